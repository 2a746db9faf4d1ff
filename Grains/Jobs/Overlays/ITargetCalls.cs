namespace ControlPlane.Jobs;

/// <summary>Has a job's targets in one overlay do the action, and hears what came of it. Runs on its grain's scheduler.</summary>
internal interface ITargetCalls : IAsyncDisposable
{
    /// <summary>How many targets may be sent the action now.</summary>
    int Room { get; }

    /// <summary>Why targets could not be sent the action last; null when they could.</summary>
    string? Fault { get; }

    /// <summary>Sends one attempt to targets.</summary>
    /// <returns>To how many, from the first on; the others were not sent anything.</returns>
    Task<int> SendAsync(int attempt, IReadOnlyList<int> to, CancellationToken cancellationToken);

    /// <summary>Takes up a target that was known to go on when the silo ended.</summary>
    /// <param name="target">Which.</param>
    /// <param name="dataJson">What its reply said then.</param>
    void Recall(int target, string? dataJson);

    /// <summary>Hands over what came since the last call.</summary>
    void Take(TargetOutcomes outcomes, DateTimeOffset now);

    /// <summary>
    /// Asks how it stands with those that are unknown or go on, unless that was done lately. Does not wait for the answers.
    /// </summary>
    void Ask(TargetOutcomes outcomes, DateTimeOffset now);
}

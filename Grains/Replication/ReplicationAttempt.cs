namespace ControlPlane.Replication;

/// <summary>One try to copy, from its begin to its end.</summary>
internal sealed class ReplicationAttempt : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly Task copying;

    /// <param name="copy">Copies until it is cancelled or fails.</param>
    public ReplicationAttempt(Func<CancellationToken, Task> copy) => copying = copy(ending.Token);

    public bool HasEnded => copying.IsCompleted;

    /// <summary>Why it ended, once it has.</summary>
    public string Fault => copying.Exception?.InnerException?.Message ?? "it ended by itself";

    /// <summary>Ends it, and waits until nothing is under way any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        ending.Dispose();
    }
}

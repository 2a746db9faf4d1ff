namespace ControlPlane.Jobs;

/// <summary>The web hooks that <see cref="JobsOptions.WebHooks"/> names. Thread-safe.</summary>
public interface IWebHooks
{
    /// <summary>Posts a signed message. Safe to repeat under the same id: by it the receiver knows a message that it has.</summary>
    /// <returns>What it answered, with a status that means success.</returns>
    /// <exception cref="ReceiverUnavailableException">It did not take it, or nobody knows.</exception>
    Task<string> PostAsync(string name, string id, string json, CancellationToken cancellationToken);
}

/// <summary>Events of jobs on the brokers of the site's overlay. Thread-safe.</summary>
public interface IJobEvents
{
    /// <summary>Why none can be published, in words that say what to do; null when they can.</summary>
    string? Obstacle { get; }

    /// <summary>Publishes one. Returns when a broker has it. Safe to repeat: events have ids.</summary>
    /// <exception cref="ReceiverUnavailableException">No broker has it, or nobody knows.</exception>
    Task PublishAsync(string subject, string json, CancellationToken cancellationToken);
}

/// <summary>Who was to be told or asked did not take it, or did not answer. The message holds no secret and no address.</summary>
public sealed class ReceiverUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

namespace ControlPlane.Adapters.Nats;

/// <summary>What a publisher of typed events may say.</summary>
public static class JetStreamPublishing
{
    /// <summary>
    /// The key in <see cref="Orleans.Runtime.RequestContext"/> under which a caller gives the next publish an id of its own: the
    /// server stores an id once per stream within two minutes. Without it every call has its own, and only its own retries share it.
    /// </summary>
    public const string MessageIdKey = "jetstream-message-id";
}

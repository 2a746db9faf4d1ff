namespace ControlPlane.Adapters.Nats;

/// <summary>How one queue of a silo is doing.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="NotReady">Why it is not being read; null while it is.</param>
/// <param name="HeldMessages">How many messages are delivered and not acknowledged.</param>
/// <param name="HeldBytes">How many bytes those are.</param>
/// <param name="PendingMessages">How many more the server had at the last delivery.</param>
/// <param name="Age">How long ago the oldest held message was stored; zero when none is held.</param>
/// <param name="LastLost">The last gap in what was delivered; null when there was none since the silo took the queue.</param>
public sealed record JetStreamQueueStatus(
    string Queue, string? NotReady, int HeldMessages, long HeldBytes, long PendingMessages, TimeSpan Age, LostMessages? LastLost);

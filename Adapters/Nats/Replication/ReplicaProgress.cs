namespace ControlPlane.Adapters.Nats;

/// <summary>How a replica stands.</summary>
/// <param name="Source">Up to where all of the source is in the target.</param>
/// <param name="Pending">Messages that are to be copied still.</param>
/// <param name="OldestPendingAt">When the oldest of them was stored; null when there is none.</param>
/// <param name="RetentionLeft">
/// The part of the source's room or time that is left until it drops what is to be copied: 1 when nothing is pending, or it keeps
/// everything; 0 when it drops.
/// </param>
/// <param name="Copied">Messages that were copied since this replicator began.</param>
/// <param name="CopiedBytes">Their bytes, headers included.</param>
/// <param name="Gaps">Gap records that it wrote.</param>
public sealed record ReplicaProgress(
    ReplicaCursor Source, long Pending, DateTimeOffset? OldestPendingAt, double RetentionLeft, long Copied, long CopiedBytes, long Gaps);

/// <summary>The replicator cannot go on; the message says why. It may be tried again.</summary>
public sealed class ReplicaFaultException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The target ends with another message than it should, or nobody knows: it is looked at again, and gone on after that.</summary>
internal sealed class ReplicaOutOfStepException(string message) : Exception(message);

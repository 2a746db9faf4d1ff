namespace ControlPlane.Replication;

/// <summary>What a link does.</summary>
public enum ReplicationState
{
    /// <summary>It is about to copy.</summary>
    Starting = 0,

    /// <summary>It copies, or waits for what there is to copy.</summary>
    Copying = 1,

    /// <summary>An operator has paused it.</summary>
    Paused = 2,

    /// <summary>It cannot copy now, and is tried again.</summary>
    Failing = 3,
}

/// <summary>How a link stands at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">The stream that is copied, and where.</param>
/// <param name="Target">The stream that it is copied to, and where.</param>
/// <param name="State">What it does.</param>
/// <param name="Reason">Why it is paused or fails; null otherwise.</param>
/// <param name="Since">Since when it does that.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReplicationSnapshot")]
public sealed record ReplicationSnapshot(
    [property: Id(0)] string Name,
    [property: Id(1)] string Source,
    [property: Id(2)] string Target,
    [property: Id(3)] ReplicationState State,
    [property: Id(4)] string? Reason,
    [property: Id(5)] DateTimeOffset Since)
{
    /// <summary>How far it was when it last copied; null before that, since the silo that runs it took it up.</summary>
    [Id(6)]
    public ReplicationProgress? Progress { get; init; }
}

/// <summary>How far a link is.</summary>
/// <param name="CopiedThrough">Up to which sequence all of the source is in the target, or is said there to be missing.</param>
/// <param name="Pending">Messages that are to be copied still.</param>
/// <param name="OldestPendingAt">When the source stored the oldest of them; null when there is none.</param>
/// <param name="RetentionLeft">
/// The part of the source's room or time that is left until it drops what is to be copied: 1 when nothing is pending; 0 when it drops.
/// </param>
/// <param name="Copied">Messages that were copied since the link began to copy on this silo.</param>
/// <param name="CopiedBytes">Their bytes, headers included.</param>
/// <param name="Gaps">Gap records that were written.</param>
/// <param name="At">When it was so.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReplicationProgress")]
public sealed record ReplicationProgress(
    [property: Id(0)] ulong CopiedThrough,
    [property: Id(1)] long Pending,
    [property: Id(2)] DateTimeOffset? OldestPendingAt,
    [property: Id(3)] double RetentionLeft,
    [property: Id(4)] long Copied,
    [property: Id(5)] long CopiedBytes,
    [property: Id(6)] long Gaps,
    [property: Id(7)] DateTimeOffset At);

/// <summary>What a comparison of the last copies with their source said.</summary>
/// <param name="First">The source's sequence of the first message that was compared; 0 when there was none.</param>
/// <param name="Last">That of the last.</param>
/// <param name="Originals">Messages that the source holds between them.</param>
/// <param name="Copies">Copies that the target holds between them.</param>
/// <param name="Gaps">Gap records between them.</param>
/// <param name="Differences">Ranges that are not the same on both sides, at most 20; none when all is the same.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReplicationVerification")]
public sealed record ReplicationVerification(
    [property: Id(0)] ulong First,
    [property: Id(1)] ulong Last,
    [property: Id(2)] long Originals,
    [property: Id(3)] long Copies,
    [property: Id(4)] long Gaps,
    [property: Id(5)] IReadOnlyList<ReplicationDifference> Differences);

/// <summary>A range of the source's sequences in which source and target differ.</summary>
/// <param name="First">Its first sequence.</param>
/// <param name="Last">Its last.</param>
/// <param name="Originals">Messages that the source holds in it.</param>
/// <param name="Copies">Copies that the target holds in it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReplicationDifference")]
public sealed record ReplicationDifference(
    [property: Id(0)] ulong First, [property: Id(1)] ulong Last, [property: Id(2)] long Originals, [property: Id(3)] long Copies);

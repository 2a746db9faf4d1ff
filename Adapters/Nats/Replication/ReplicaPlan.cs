namespace ControlPlane.Adapters.Nats;

/// <summary>Where a replicator goes on. Pure.</summary>
/// <param name="After">All up to here is in the target, once the gap is.</param>
/// <param name="Gap">What is missing before it, and has to be said first; null when nothing is.</param>
internal sealed record ReplicaPlan(ReplicaCursor After, ReplicaGap? Gap)
{
    /// <summary>Up to where all is in the target, as its last copy says it, or what is remembered where that says more.</summary>
    public static ReplicaCursor Reached(ReplicaEnd target, ReplicaCheckpoint checkpoint)
    {
        var remembered = checkpoint.HoldsFor(target.Incarnation, target.LastSequence) ? checkpoint.Examined : null;
        return target.Cursor is not { } cursor ? remembered ?? checkpoint.Origin
            : remembered is not null && remembered.Incarnation == cursor.Incarnation && remembered.Sequence > cursor.Sequence ? remembered
            : cursor;
    }

    /// <param name="settings">The link.</param>
    /// <param name="reached">All up to here is in the target.</param>
    /// <param name="source">What the source holds.</param>
    /// <param name="isRewound">Whether it holds another message than was copied where that was.</param>
    public static ReplicaPlan Of(ReplicaSettings settings, ReplicaCursor reached, SourceState source, bool isRewound)
    {
        if (!reached.IsOf(source.Created))
        {
            return Anew(ReplicaGapReason.Recreated, source.Created);
        }

        if (isRewound || source.Last < reached.Sequence)
        {
            return Anew(ReplicaGapReason.Rewound, reached.NextIncarnation());
        }

        return source.First > reached.Sequence + 1
            ? Dropped(settings, reached, source.First, source.FirstAt, ReplicaGapReason.Dropped)
            : new ReplicaPlan(reached, Gap: null);

        ReplicaPlan Anew(string reason, string incarnation) => new(
            new ReplicaCursor(incarnation, source.First - 1),
            new ReplicaGap(
                settings.Name,
                settings.Source,
                reason,
                reached.Incarnation,
                reached.Sequence + 1,
                Last: null,
                reached.StoredAt,
                source.FirstAt,
                source.First,
                incarnation));
    }

    /// <summary>The messages between two of one stream are missing.</summary>
    public static ReplicaPlan Dropped(
        ReplicaSettings settings, ReplicaCursor after, ulong next, DateTimeOffset? nextAt, string reason) => new(
            new ReplicaCursor(after.Incarnation, next - 1),
            new ReplicaGap(
                settings.Name,
                settings.Source,
                reason,
                after.Incarnation,
                after.Sequence + 1,
                next - 1,
                after.StoredAt,
                nextAt,
                next,
                after.Incarnation));
}

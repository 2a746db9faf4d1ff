namespace ControlPlane.Placement;

/// <summary>What one overlay asks of the region's leader, and the leader of the others.</summary>
public enum LinkVerb
{
    /// <summary>Who is the leader, and is there a newer policy? Also how a new leader makes itself known.</summary>
    Hello = 0,
    Place = 1,
    Confirm = 2,
    Release = 3,

    /// <summary>All that this overlay knows of nodes: those that live here, and those that its silos enrolled.</summary>
    Report = 4,

    /// <summary>This node left the fleet.</summary>
    Forget = 5,

    /// <summary>The leader asks the overlay whose silos keep a node to have it enrol anew: it moves.</summary>
    Reprovision = 6,
}

/// <param name="Verb">What is asked.</param>
/// <param name="Region">Whose placement.</param>
/// <param name="From">The overlay that asks.</param>
/// <param name="Leader">The leader that it knows.</param>
/// <param name="Epoch">And its epoch.</param>
/// <param name="PolicyVersion">The policy that it has.</param>
/// <param name="Place">For <see cref="LinkVerb.Place"/>.</param>
/// <param name="Identity">The node, for all verbs that are about one.</param>
/// <param name="Attempt">For <see cref="LinkVerb.Confirm"/> and <see cref="LinkVerb.Release"/>.</param>
/// <param name="Residents">For <see cref="LinkVerb.Report"/>: nodes that live in the overlay that asks.</param>
/// <param name="IsLast">Whether the report ends here.</param>
/// <param name="Reason">For <see cref="LinkVerb.Reprovision"/>: why, for the node's history.</param>
/// <param name="Others">
/// For <see cref="LinkVerb.Report"/>: what else is known of nodes. With <paramref name="Residents"/> at most <see cref="ResidentsMax"/>.
/// </param>
/// <param name="Next">For <see cref="LinkVerb.Report"/>: what the next page comes after.</param>
/// <param name="Digests">
/// For <see cref="LinkVerb.Hello"/>: a digest of each shard of the nodes that live in the overlay that asks, as it remembers them; null
/// when it has something to report first.
/// </param>
/// <param name="Plans">For the last page of a report: plans that ended when the overlay that asks stepped down.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LinkRequest")]
public sealed record LinkRequest(
    [property: Id(0)] LinkVerb Verb,
    [property: Id(1)] string Region,
    [property: Id(2)] string From,
    [property: Id(3)] string Leader,
    [property: Id(4)] long Epoch,
    [property: Id(5)] int PolicyVersion = 0,
    [property: Id(6)] PlacementRequest? Place = null,
    [property: Id(7)] string Identity = "",
    [property: Id(8)] int Attempt = 0,
    [property: Id(9)] IReadOnlyList<LocalNode>? Residents = null,
    [property: Id(10)] bool IsLast = false,
    [property: Id(11)] string Reason = "",
    [property: Id(12)] IReadOnlyList<LocalNode>? Others = null,
    [property: Id(13)] string Next = "",
    [property: Id(14)] byte[]? Digests = null,
    [property: Id(15)] IReadOnlyList<PlanProgress>? Plans = null)
{
    /// <summary>How many facts about nodes one page of a report holds.</summary>
    public const int ResidentsMax = 500;
}

/// <summary>One fact about a node.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Attempt">The enrolment by which it arrived, or for which the place is held.</param>
/// <param name="Attributes">What the policy knew of it, as a JSON object.</param>
/// <param name="Declared">The size that its groups were promised.</param>
/// <param name="Overlay">Where; empty for the overlay that reports.</param>
/// <param name="Decided">When that was decided.</param>
/// <param name="State">What the fact is.</param>
/// <param name="Until">For a place that is held: until when.</param>
/// <param name="Keeper">The overlay whose silos enrolled it: they number its attempts. Empty when that is not known.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LocalNode")]
public sealed record LocalNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] int Attempt,
    [property: Id(2)] string Attributes,
    [property: Id(3)] int Declared,
    [property: Id(4)] string Overlay = "",
    [property: Id(5)] DecisionStamp Decided = default,
    [property: Id(6)] LocalNodeState State = LocalNodeState.Lives,
    [property: Id(7)] DateTimeOffset Until = default,
    [property: Id(8)] string Keeper = "");

/// <summary>What is said of a node.</summary>
public enum LocalNodeState
{
    /// <summary>It arrived there.</summary>
    Lives = 0,

    /// <summary>A place is held for it there.</summary>
    Held = 1,

    /// <summary>It left the fleet.</summary>
    Gone = 2,
}

/// <summary>What the leader says; or, when it is not the leader (any more), who is.</summary>
/// <param name="Leader">The leader, as the one who answers knows.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="IsLeader">Whether the one who answers is it, and did what was asked.</param>
/// <param name="Placed">
/// For <see cref="LinkVerb.Place"/>: the overlay; null when it is deferred or refused. For <see cref="LinkVerb.Confirm"/>: where it lives
/// by that; null when a later enrolment superseded it.
/// </param>
/// <param name="Reason">Why.</param>
/// <param name="LeaseUntil">For a place: how long it is held.</param>
/// <param name="RetryAfter">For a deferral; null for a refusal.</param>
/// <param name="Lapsed">For <see cref="LinkVerb.Confirm"/>: the node has no place.</param>
/// <param name="Policy">The leader's policy, when the one who asks has an older one.</param>
/// <param name="Committed">For <see cref="LinkVerb.Hello"/>: what the leader counts in the overlay that asks.</param>
/// <param name="Overlays">
/// For <see cref="LinkVerb.Hello"/>: the states of the region's overlays, so that whoever is promoted knows them.
/// </param>
/// <param name="Summoned">
/// For <see cref="LinkVerb.Reprovision"/>: what the node did; null when the one who asks is not the leader any more.
/// </param>
/// <param name="Decided">When that was decided of the node which the leader has now stored.</param>
/// <param name="Born">For <see cref="LinkVerb.Hello"/>: when the leader's history began. Another one was told nothing.</param>
/// <param name="Residents">For <see cref="LinkVerb.Hello"/>: what the one who asks remembers otherwise; null when nothing.</param>
/// <param name="Plans">
/// For <see cref="LinkVerb.Hello"/>: the plans that are not over, so that whoever is promoted can say that there were some.
/// </param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LinkReply")]
public sealed record LinkReply(
    [property: Id(0)] string Leader,
    [property: Id(1)] long Epoch,
    [property: Id(2)] bool IsLeader,
    [property: Id(3)] string? Placed = null,
    [property: Id(4)] string Reason = "",
    [property: Id(5)] DateTimeOffset LeaseUntil = default,
    [property: Id(6)] TimeSpan? RetryAfter = null,
    [property: Id(7)] bool Lapsed = false,
    [property: Id(8)] PolicyVersion? Policy = null,
    [property: Id(9)] int? Committed = null,
    [property: Id(10)] IReadOnlyList<OverlayCondition>? Overlays = null,
    [property: Id(11)] ReprovisionAnswer? Summoned = null,
    [property: Id(12)] DecisionStamp Decided = default,
    [property: Id(13)] DateTimeOffset? Born = null,
    [property: Id(14)] LocalNodesPage? Residents = null,
    [property: Id(15)] IReadOnlyList<PlanProgress>? Plans = null);

/// <summary>All nodes that live in an overlay and belong to some of the ledger's shards.</summary>
/// <param name="Shards">Which shards; others may differ too, and are told when it asks again.</param>
/// <param name="Nodes">Their nodes.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LocalNodesPage")]
public sealed record LocalNodesPage(
    [property: Id(0)] IReadOnlyList<int> Shards, [property: Id(1)] IReadOnlyList<LocalNode> Nodes);

/// <param name="Overlay">Its name.</param>
/// <param name="State">What may happen in it.</param>
/// <param name="Reason">Why it is in that state.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCondition")]
public sealed record OverlayCondition(
    [property: Id(0)] string Overlay, [property: Id(1)] OverlayState State, [property: Id(2)] string Reason);

/// <summary>What came of asking an overlay to have a node enrol anew.</summary>
public enum ReprovisionAnswer
{
    /// <summary>The overlay's silos do not keep that node.</summary>
    Unknown = 0,

    /// <summary>It was told, or enrols already.</summary>
    Coming = 1,

    /// <summary>It was silent, or refused.</summary>
    Unwilling = 2,
}

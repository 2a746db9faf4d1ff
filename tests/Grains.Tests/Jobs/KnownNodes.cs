using ControlPlane.Grains.Tests.Sites;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>The index of a fleet in memory, and the targets of earlier jobs.</summary>
internal sealed class KnownNodes
{
    public KnownNodes() => Grains = TestedGrains.Make((method, key, arguments) => method switch
    {
        nameof(IFleetSliceGrain.Select) => Task.FromResult(
            Select(key, (NodeQuery)arguments[0]!, (string?)arguments[1], (int)arguments[2]!)),
        nameof(IOverlayJobGrain.ListTargets) => Task.FromResult(new OverlayTargetPage(
            [.. Targets.GetValueOrDefault(key, []).Where(target => ((IReadOnlyList<TargetState>)arguments[0]!).Contains(target.State))],
            null)),
        nameof(IInternalPlacementGrain.AskLeader) => Task.FromResult(Answer((LeaderCall.ListMoves)arguments[0]!)),
        _ => throw new NotSupportedException(method),
    });

    public IGrainFactory Grains { get; }

    public List<RosterEntry> Nodes { get; } = [];

    /// <summary>The targets of jobs, by the key of their part.</summary>
    public Dictionary<string, JobTarget[]> Targets { get; } = new(StringComparer.Ordinal);

    /// <summary>The nodes that plans move out of overlays, by job and overlay.</summary>
    public Dictionary<(string Job, string Overlay), string[]> Moves { get; } = [];

    /// <summary>Whether the region's leader does not answer.</summary>
    public bool IsLeaderAway { get; set; }

    /// <summary>What slices were asked for.</summary>
    public HashSet<NodeQuery> Asked { get; } = [];

    /// <summary>Slices that still read what was known.</summary>
    public bool AreReading { get; set; }

    /// <summary>What is wrong with each query.</summary>
    public string? Fault { get; set; }

    public void Add(string overlay, IEnumerable<string> identities, NodeLiveness liveness = NodeLiveness.Alive) => Nodes.AddRange(
        identities.Select(identity => new RosterEntry(identity, NodeStage.Enrolled, overlay, null, default, null, liveness)));

    // In pages of two.
    private LeaderAnswer Answer(LeaderCall.ListMoves asked)
    {
        var moves = Moves.GetValueOrDefault((asked.Job, asked.From));
        return IsLeaderAway ? throw new SiteUnreachableException("b does not answer") : new LeaderAnswer(
            new LeaderEpoch("b", 1),
            Moves: moves is null ? null : new MovesPage([.. moves.Skip(asked.After).Take(2)], asked.After + 2 > moves.Length));
    }

    private SelectOutcome Select(string slice, NodeQuery query, string? after, int limit)
    {
        lock (Asked)
        {
            Asked.Add(query);
        }

        RosterEntry[] found =
        [
            .. Nodes.Where(node => FleetSlices.KeyOf(node.Identity) == slice && node.Overlay == query.Overlay && node.Stage == query.Stage
                && string.CompareOrdinal(node.Identity, after) > 0).OrderBy(node => node.Identity, StringComparer.Ordinal),
        ];
        return Fault is { } fault
            ? new SelectOutcome.Refused(fault)
            : new SelectOutcome.Selected([.. found.Take(limit)], found.Length, !AreReading);
    }
}

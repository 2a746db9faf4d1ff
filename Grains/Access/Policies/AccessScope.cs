using System.Collections.Frozen;
using ControlPlane.Filters;

namespace ControlPlane.Access.Policies;

/// <summary>Where a rule holds; what is null is not looked at.</summary>
internal sealed record AccessScope
{
    public static AccessScope Everywhere { get; } = new();

    public FrozenSet<string>? Sites { get; init; }

    public FrozenSet<string>? Regions { get; init; }

    public FrozenSet<string>? Overlays { get; init; }

    public FrozenSet<string>? Collectives { get; init; }

    public FrozenSet<string>? Agents { get; init; }

    public FrozenSet<string>? Actions { get; init; }

    /// <summary>What the node must fulfil.</summary>
    public FilterExpression? Nodes { get; init; }

    /// <summary>Whether it is judged by what is known of the node.</summary>
    public bool NeedsNode => Overlays is not null || Nodes is not null;

    /// <summary>Whether it is judged by what the node said of itself.</summary>
    public bool NeedsSaid => Nodes is not null;

    /// <summary>What keeps the request from being within the scope.</summary>
    /// <param name="request">The request.</param>
    /// <param name="facts">What is known besides.</param>
    /// <param name="isUnknownWithin">
    /// What holds where the request, or what is known of its node, does not say. A rule that allows must not reach there, and a denial
    /// must: nobody gets in by being unknown.
    /// </param>
    public Obstacle ObstacleOf(AccessRequest request, AccessFacts facts, bool isUnknownWithin)
    {
        // The node's own overlay, where there is a node: what the caller says beside it proves nothing.
        var overlay = request.Node is null ? request.Overlay : facts.Node?.Overlay;
        var fulfilsByDefault = IsNodeJudgedLater(request) ? !isUnknownWithin : isUnknownWithin;
        return !Covers(Sites, facts.Site, isUnknownWithin) ? Obstacle.Site
            : !Covers(Regions, facts.Region, isUnknownWithin) ? Obstacle.Region
            : !Covers(Overlays, overlay, isUnknownWithin) ? Obstacle.Overlay
            : !Covers(Collectives, request.Collective, isUnknownWithin) ? Obstacle.Collective
            : !Covers(Agents, request.Agent, isUnknownWithin) ? Obstacle.Agent
            : !Covers(Actions, request.Action, isUnknownWithin) ? Obstacle.Action
            : Nodes is not null && !(facts.Node?.Said?.Fulfils(Nodes) ?? fulfilsByDefault) ? Obstacle.Node
            : Obstacle.None;
    }

    // A job that is submitted has no nodes yet. Denied here for that, nobody whom a rule holds to some nodes could submit any.
    private static bool IsNodeJudgedLater(AccessRequest request) =>
        request is { Permission: Permissions.JobsRun, Node: null, AreNodesChosen: false };

    private static bool Covers(FrozenSet<string>? names, string? name, bool isUnknownWithin) =>
        names is null || (name is null ? isUnknownWithin : names.Contains(name));
}

/// <summary>What keeps a rule from allowing a request, in the order in which it is looked at: later ones were nearer.</summary>
internal enum Obstacle
{
    None = 0,
    Site,
    Region,
    Overlay,
    Collective,
    Agent,
    Action,
    Node,
    Targets,
    SecondFactor,
    Reason,
    FourEyes,
}

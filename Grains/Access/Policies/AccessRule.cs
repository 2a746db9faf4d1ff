using System.Collections.Frozen;
using System.Globalization;

namespace ControlPlane.Access.Policies;

/// <summary>One rule of a role: what it allows, where, and under which conditions. Everything that is set must hold.</summary>
internal sealed record AccessRule(string Role, string Place, FrozenSet<string> Permissions)
{
    // Clocks of those who sign people in may be ahead of ours by so much.
    private static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(1);

    public AccessScope Scope { get; init; } = AccessScope.Everywhere;

    /// <summary>How many nodes a request may be about.</summary>
    public int? TargetsMax { get; init; }

    /// <summary>How many nodes a job may work on at once; judged where jobs run.</summary>
    public int? ConcurrencyMax { get; init; }

    /// <summary>How long ago the second factor may have been shown.</summary>
    public TimeSpan? SecondFactorWithin { get; init; }

    public bool NeedsReason { get; init; }

    /// <summary>Whether somebody else must have submitted what is approved.</summary>
    public bool NeedsFourEyes { get; init; }

    /// <summary>What keeps the rule from allowing the request.</summary>
    public Obstacle ObstacleOf(Caller caller, AccessRequest request, AccessFacts facts)
    {
        var outside = Scope.ObstacleOf(request, facts, isUnknownWithin: false);
        return outside != Obstacle.None ? outside
            : TargetsMax is { } most && TargetsOf(request) > most ? Obstacle.Targets
            : SecondFactorWithin is { } within && !IsShownWithin(caller.SecondFactorAt, within, facts.Now) ? Obstacle.SecondFactor
            : NeedsReason && string.IsNullOrWhiteSpace(request.Reason) ? Obstacle.Reason
            : NeedsFourEyes && !FourEyes.AreMet(SubmitterOf(request, facts), caller.Principal) ? Obstacle.FourEyes
            : Obstacle.None;
    }

    /// <summary>What an obstacle of this rule is, in words that follow the rule's place.</summary>
    public string Words(Obstacle obstacle) => obstacle switch
    {
        Obstacle.None => "allows it",
        Obstacle.Site => $"holds at {Names(Scope.Sites)}",
        Obstacle.Region => $"holds in the regions {Names(Scope.Regions)}",
        Obstacle.Overlay => $"holds in {Names(Scope.Overlays)}, and the request must be known to be about one of them",
        Obstacle.Collective => $"holds for the collectives {Names(Scope.Collectives)}",
        Obstacle.Agent => $"holds for the agents {Names(Scope.Agents)}",
        Obstacle.Action => $"holds for the actions {Names(Scope.Actions)}",
        Obstacle.Node => "holds for nodes that are known to fulfil its filter",
        Obstacle.Targets => string.Create(
            CultureInfo.InvariantCulture, $"holds for requests that say they are about at most {TargetsMax} nodes"),
        Obstacle.SecondFactor => $"demands a second factor that was shown within {SecondFactorWithin:g}",
        Obstacle.Reason => "demands a reason",
        _ => "demands that somebody else submitted it",
    };

    // A request about a node is about one. One that does not say how many may be about all.
    private static int TargetsOf(AccessRequest request) => request.Targets ?? (request.Node is null ? int.MaxValue : 1);

    // Who made a plan or a job is asked of it, where there is one: what the caller says of it proves nothing.
    private static string? SubmitterOf(AccessRequest request, AccessFacts facts) =>
        request is { Plan: null, Job: null } ? request.Submitter : facts.Submitter;

    private static bool IsShownWithin(DateTimeOffset? at, TimeSpan within, DateTimeOffset now) =>
        at is { } shown && now - shown <= within && shown - now <= ClockSkewMax;

    private static string Names(IEnumerable<string>? names) => string.Join(", ", (names ?? []).Order(StringComparer.Ordinal));
}

/// <summary>What is never allowed, whatever roles say.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Who">Whom it concerns.</param>
/// <param name="Permissions">What.</param>
/// <param name="Scope">Where.</param>
internal sealed record Denial(string Name, Subjects Who, FrozenSet<string> Permissions, AccessScope Scope)
{
    public string Place => $"denial '{Name}'";
}

/// <summary>Who has a role.</summary>
internal sealed record RoleGrant(string Role, Subjects Who);

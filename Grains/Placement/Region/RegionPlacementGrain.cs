// Over 400 lines: the calls of three contracts, each of a few lines, and the round that keeps their copies; all stand on one activation.
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using Microsoft.Extensions.Logging;
using ControlPlane.Sites;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Placement;

/// <summary>See <see cref="IInternalPlacementGrain"/>.</summary>
/// <remarks>
/// Reentrant, because a call mostly waits: for an overlay to reserve, or for a change to be stored. Each judges and changes the region's
/// state in one turn, so decisions are still made one after the other.
/// </remarks>
[GrainType("region-placement"), Reentrant]
internal sealed partial class RegionPlacementGrain(
    PlacementContext context,
    NodeSites nodes,
    IEnumerable<IExternalDecider> deciders,
    PlacementMeter meter,
    Loops loops,
    ILogger<RegionPlacementGrain> logger)
    : Grain, IInternalPlacementGrain, IPlacementPolicyGrain
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>How often a site that does not lead hears the leader.</summary>
    private static readonly TimeSpan GreetingPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Owners that are told at once that nodes live elsewhere by now.</summary>
    private const int ToldMax = 256;

    private readonly Dictionary<string, OverlayCopy> copies = new(StringComparer.Ordinal);
    private StoredRegion history = null!;
    private NodePlacements places = null!;
    private RegionPolicies policies = null!;
    private PlanMoves moves = null!;
    private RegionPlans plans = null!;
    private PlanHandover handover = null!;
    private RegionLeadership leadership = null!;
    private IReadOnlyList<OverlaySnapshot> heard = [];
    private DateTimeOffset greetedAt;
    private Task listing = Task.CompletedTask;
    private (LeaderEpoch Leader, int Overlays) listedFor;

    private string Region => this.GetPrimaryKeyString();

    private RegionState Ledger => history.Ledger;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        history = context.OpenRegion(this.GetGrainId(), Abandon);
        handover = new PlanHandover(history, LogEnded);
        leadership = new RegionLeadership(history, handover);
        places = new NodePlacements(
            history, Region, copies.GetValueOrDefault, new ExternalDecision(deciders.FirstOrDefault(), context.Time, meter), meter);
        policies = new RegionPolicies(history, Region);
        moves = new PlanMoves(history, copies.GetValueOrDefault);
        plans = new RegionPlans(history, Region, moves, context.JobOf, ListAllAsync, meter);
        await history.OpenAsync(context.Options);
        this.RegisterGrainTimer(
            token => loops.RoundAsync("region", Round, token),
            new GrainTimerCreationOptions(TimeSpan.Zero, Period) { Interleave = true, KeepAlive = true });
        meter.Watch(Ledger);
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        meter.Leave(Ledger);
        return Task.CompletedTask;
    }

    public async Task<PlacementOutcome> Place(PlacementRequest request)
    {
        await CatchUpAsync();
        try
        {
            if (leadership.IsHere)
            {
                return await PlaceHere(request);
            }
        }
        catch (NotRegionLeaderException)
        {
            // An overlay named a later one: that is who decides.
        }

        try
        {
            return await AskLeaderAsync(new LeaderCall.Place(request)) is { Placed: { } placed }
                ? placed
                : new PlacementOutcome.Deferred($"the region's leader has just changed to {leadership.Epoch.Name}", Period);
        }
        catch (SiteUnreachableException lost)
        {
            return leadership.IsHere ? await PlaceHere(request) : await places.PlaceAlone(request, lost.Message);
        }
    }

    public async Task<string?> Readmit(string identity, string overlay)
    {
        await CatchUpAsync();
        try
        {
            return leadership.IsHere
                ? await places.Readmit(identity, overlay)
                : (await AskLeaderAsync(new LeaderCall.Readmit(identity, overlay)))?.Objection;
        }
        catch (Exception unasked) when (unasked is SiteUnreachableException or NotRegionLeaderException)
        {
            // It is there already: the overlay's own limit decides alone.
            return null;
        }
    }

    public async Task<LeaderAnswer> Answer(LeaderEpoch leader, LeaderCall call)
    {
        await leadership.HearAsync(leader);
        await CatchUpAsync();
        if (!leadership.IsHere || leadership.Epoch != leader)
        {
            return new LeaderAnswer(leadership.Epoch);
        }

        try
        {
            return await AnswerHere(leader, call);
        }
        catch (NotRegionLeaderException)
        {
            return new LeaderAnswer(leadership.Epoch);
        }
    }

    private async Task<LeaderAnswer> AnswerHere(LeaderEpoch leader, LeaderCall call) =>
        call switch
        {
            LeaderCall.Place place => new LeaderAnswer(leader, Placed: await PlaceHere(place.Request)),
            LeaderCall.Readmit late => new LeaderAnswer(leader, Objection: await places.Readmit(late.Identity, late.Overlay)),
            LeaderCall.Greet greeting => new LeaderAnswer(leader, News: new LeaderNews(
                Ledger.Policy.Version > greeting.PolicyVersion ? Ledger.History.Current : null,
                [.. Ledger.OverlaysByNumber.Select(SnapshotOf)],
                handover.Unfinished)),
            LeaderCall.ListMoves list => new LeaderAnswer(leader, Moves: await moves.ListAsync(list.Job, list.From, list.After)),
            LeaderCall.ReserveMoves hold => new LeaderAnswer(leader, Reserved: await moves.ReserveAsync(hold.Job, hold.Identities)),
            LeaderCall.GiveBackMove back => await GiveBackAsync(leader, back),
            _ => throw new UnreachableException(),
        };

    private async Task<LeaderAnswer> GiveBackAsync(LeaderEpoch leader, LeaderCall.GiveBackMove back)
    {
        await moves.GiveBackAsync(back.Job, back.Identity);
        return new LeaderAnswer(leader);
    }

    public async Task<LeaderAnswer> AskLeader(LeaderCall call)
    {
        await CatchUpAsync();
        return (leadership.IsHere ? await AnswerHere(leadership.Epoch, call) : await AskLeaderAsync(call))
            ?? throw new SiteUnreachableException($"the region's leader has just changed to {leadership.Epoch.Name}");
    }

    public Task Hear(LeaderEpoch leader) => leadership.HearAsync(leader);

    public Task<PlacementExplanation?> Explain(string identity) =>
        Task.FromResult(Ledger.Node(identity) is { } node ? Explanation.Of(Ledger, node) : null);

    public async Task<IReadOnlyList<OverlaySnapshot>> ListOverlays()
    {
        await CatchUpAsync();
        var own = Snapshots(Ledger);
        return leadership.IsHere ? own
            : [.. own.Select(overlay => context.Options.Serves(overlay.Name) ? overlay
                : heard.FirstOrDefault(told => told.Name == overlay.Name) ?? overlay)];
    }

    /// <summary>The overlays as callers see them.</summary>
    public static OverlaySnapshot[] Snapshots(RegionState ledger) =>
        [.. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(SnapshotOf)];

    public async Task<bool> SetState(string overlay, OverlayState state, string reason)
    {
        await CatchUpAsync();
        leadership.EnsureHere();
        if (Ledger.Overlay(overlay) is not { } entry || copies.GetValueOrDefault(overlay) is not { } copy)
        {
            return false;
        }

        // What stood in it is placed elsewhere, and its machines may be anything by now.
        if (entry.State == OverlayState.Retired && state != OverlayState.Retired)
        {
            throw new OverlayRetiredException(
                $"the overlay '{overlay}' is retired for good ({entry.StateReason}); to use its machines again, configure them as an "
                + "overlay of another name (Overlays:Members)");
        }

        if (state == OverlayState.Retired)
        {
            // Also of one that burnt down: the others' groups need not wait for it, and it hears it if it ever comes back.
            await history.Record(new PlacementChange.OverlaySet(overlay, state, reason));
        }

        try
        {
            await copy.SetStateAsync(state, reason);
        }
        catch (SiteUnreachableException) when (state == OverlayState.Retired)
        {
        }
        catch (SiteUnreachableException away)
        {
            throw new OverlayUnreachableException($"{overlay} keeps its own state: {away.Message}", away);
        }

        LogStateSet(Region, overlay, state, reason);
        return true;
    }

    public async Task<PolicyVerdict> CheckPolicy(string text)
    {
        await CatchUpAsync();
        var verdict = policies.Check(text);
        await history.Written;
        return verdict;
    }

    public async Task<PolicyVerdict> ApplyPolicy(string text, string reason)
    {
        await CatchUpAsync();
        leadership.EnsureHere();
        var before = Ledger.Policy.Version;
        var verdict = await policies.Apply(text, CallerContext.Actor, reason);
        if (verdict.Version != before)
        {
            LogPolicyApplied(Region, Ledger.Policy.Name, verdict.Version, CallerContext.Actor);
        }

        return verdict;
    }

    public Task<PolicyVersion?> ShowPolicy(int? version) =>
        Task.FromResult(version is null ? Ledger.History.Current : Array.Find(Ledger.History.Versions, kept => kept.Version == version));

    public Task<IReadOnlyList<PolicyVersion>> ListPolicies() =>
        Task.FromResult<IReadOnlyList<PolicyVersion>>([.. Ledger.History.Versions.Reverse().Select(version => version with { Text = "" })]);

    public async Task<SimulationOutcome> Simulate(IReadOnlyList<PlacementRequest> nodes, string? text)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes.Count, IPlacementPolicyGrain.SimulatedNodesMax);
        await CatchUpAsync();
        return policies.Simulate(nodes, text);
    }

    public async Task<PlanOutcome> CreatePlan(PlanRequest request)
    {
        await CatchUpAsync();
        leadership.EnsureHere();

        // A plan is made of what the overlays say now, not of what they said a moment ago.
        await ListAllAsync();
        return await plans.Create(request, CallerContext.Actor);
    }

    public Task<PlacementPlan?> ShowPlan(string id) =>
        Ledger.Plans.Find(id) is null ? Task.FromResult<PlacementPlan?>(null) : history.Plans.ReadAsync(id);

    public Task<IReadOnlyList<PlanProgress>> ListPlans() => Task.FromResult<IReadOnlyList<PlanProgress>>([.. Ledger.Plans.Plans.Reverse()]);

    public Task<PlanOutcome> ApprovePlan(string id, string reason) => CommandPlan(id, PlanCommand.Approve, reason);

    public Task<PlanOutcome> ResumePlan(string id, string reason) => CommandPlan(id, PlanCommand.Resume, reason);

    public Task<PlanOutcome> PausePlan(string id, string reason) => CommandPlan(id, PlanCommand.Pause, reason);

    public Task<PlanOutcome> AbortPlan(string id, string reason) => CommandPlan(id, PlanCommand.Abort, reason);

    // Being activated is all it takes: that starts the rounds.
    public Task Wake() => Task.CompletedTask;

    public async Task<RegionLeader> Get()
    {
        await CatchUpAsync();
        return leadership.View;
    }

    public async Task<RegionLeader> Promote(string reason)
    {
        if (await leadership.PromoteAsync(CallerContext.Actor, reason))
        {
            LogPromoted(Region, leadership.Epoch.Name, leadership.Epoch.Epoch, CallerContext.Actor, reason);
        }

        await CatchUpAsync();
        return leadership.View;
    }

    private Task ListAllAsync() => Task.WhenAll(copies.Values.Select(copy => copy.FollowAsync()));

    private Task<PlanOutcome> CommandPlan(string id, PlanCommand command, string reason)
    {
        leadership.EnsureHere();
        return plans.Command(id, command, CallerContext.Actor, reason);
    }

    private async Task<PlacementOutcome> PlaceHere(PlacementRequest request)
    {
        var outcome = await places.Place(request);
        if (Ledger.Unplaced.Look(Ledger.Policy.Unplaceable, history.Now) is { } alert)
        {
            LogUnplaceable(Region, alert);
        }

        return outcome;
    }

    // Null when another one leads than was asked, twice: whoever asked comes again.
    private async Task<LeaderAnswer?> AskLeaderAsync(LeaderCall call)
    {
        for (var tries = 0; tries < 2; tries++)
        {
            var leader = leadership.Epoch;
            var reply = await context.AskSiteAsync(
                leadership.Site, new PlacementQuestion.OfLeader(Region, leader, call), CancellationToken.None);
            if (reply is not PlacementReply.OfLeader { Answer: var answer })
            {
                throw new SiteUnreachableException($"{leadership.Site} answered something else");
            }

            if (answer.Leader == leader)
            {
                return answer;
            }

            await leadership.HearAsync(answer.Leader);
            if (leadership.IsHere)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>
    /// Configuration and leadership change without anybody calling; whoever needs the copies waits for the first list of each.
    /// </summary>
    private async Task CatchUpAsync()
    {
        history.CatchUp(context.Options);
        if (listedFor != (leadership.Epoch, Ledger.OverlaysByNumber.Count))
        {
            listedFor = (leadership.Epoch, Ledger.OverlaysByNumber.Count);
            listing = Task.WhenAll(Follow().Select(copy => copy.FollowAsync()));
        }

        await listing;
    }

    // The leader follows all overlays; others those of their own site, for the time when they are alone.
    private Dictionary<string, OverlayCopy>.ValueCollection Follow()
    {
        foreach (var overlay in Ledger.OverlaysByNumber.Where(overlay => overlay.IsConfigured))
        {
            var isFollowed = leadership.IsHere || context.Options.Serves(overlay.Name);
            if (isFollowed && !copies.ContainsKey(overlay.Name))
            {
                copies[overlay.Name] = new OverlayCopy(
                    overlay, history, leadership, (by, call) => context.AskAsync(Region, overlay.Name, by, call, CancellationToken.None))
                {
                    Ended = plans.NoteArrival,
                };
            }
            else if (!isFollowed && copies.Remove(overlay.Name, out var copy))
            {
                copy.Leave();
            }
        }

        return copies.Values;
    }

    private async Task Round(CancellationToken cancellationToken)
    {
        await CatchUpAsync();
        var followed = Task.WhenAll(Follow().Select(copy => copy.FollowAsync()));
        if (leadership.IsHere)
        {
            await Task.WhenAll(followed, TellOwnersAsync(cancellationToken));
            plans.GiveBackWhatIsLeft();
            await plans.FollowAsync();
            return;
        }

        // Its plans ended with its lead, and their jobs with them.
        await Task.WhenAll(followed, plans.FollowAsync());
        if (history.Now - greetedAt >= GreetingPeriod)
        {
            greetedAt = history.Now;
            await GreetAsync();
        }
    }

    private async Task GreetAsync()
    {
        try
        {
            if (await AskLeaderAsync(new LeaderCall.Greet(Ledger.Policy.Version)) is not { News: { } news })
            {
                return;
            }

            heard = news.Overlays;
            handover.Hear(news.Plans);
            foreach (var told in news.Overlays.Where(told => Ledger.Overlay(told.Name) is { } known && !context.Options.Serves(told.Name)
                && known.Decided.State != OverlayState.Retired && told.State == OverlayState.Retired))
            {
                _ = history.Record(new PlacementChange.OverlaySet(told.Name, told.State, told.StateReason));
            }

            if (news.Policy is { } policy && policy.Version > Ledger.Policy.Version)
            {
                _ = history.Record(new PlacementChange.PolicyApplied(policy));
                Ledger.Configure(history.Options);
            }

            await history.Written;
        }
        catch (SiteUnreachableException)
        {
            // What it said last holds, and this site decides alone what the policy lets it.
        }
    }

    // Nobody else does: the owner before cannot know, and the new one need not know it.
    private Task TellOwnersAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Ledger.MovedAway.Where(moved => Ledger.Overlay(moved.Overlay) is { IsReachable: true }).Take(ToldMax).ToArray()
            .Select(moved => TellOwnerAsync(moved.Identity, moved.Overlay, cancellationToken)));

    private async Task TellOwnerAsync(string identity, string overlay, CancellationToken cancellationToken)
    {
        try
        {
            if (Ledger.Node(identity) is { Home: { } home } node)
            {
                await nodes.TellMovedAsync(overlay, identity, home, node.Decided, cancellationToken);
            }
        }
#pragma warning disable CA1031 // Whatever it was: it is told again as long as it lists the node, and others and plans need not wait for it.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private static OverlaySnapshot SnapshotOf(OverlayEntry overlay) => new(
        overlay.Name, overlay.State, overlay.Nodes, overlay.Reserved, overlay.SoftLimit, overlay.HardLimit, overlay.Promised,
        overlay.StateReason);

    private void LogEnded(PlanProgress plan) => LogPlanEnded(Region, plan.Id, plan.Moved, plan.Nodes, plan.Reason);

    // Memory is ahead of the store and nobody knows by how much: the next activation reads what is true.
    private void Abandon(Exception fault)
    {
        LogLost(Region, fault);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Information, "Overlay {Overlay} of {Region} is {State}: {Reason}")]
    private partial void LogStateSet(string region, string overlay, OverlayState state, string reason);

    [LoggerMessage(LogLevel.Information, "Policy {Policy}@{Version} of {Region} applied by {Actor}")]
    private partial void LogPolicyApplied(string region, string policy, int version, string actor);

    [LoggerMessage(LogLevel.Warning, "Placement of {Region}: {Alert}")]
    private partial void LogUnplaceable(string region, string alert);

    [LoggerMessage(LogLevel.Warning, "Placement of {Region} is in {Leader} from now on (epoch {Epoch}), promoted by {Actor}: {Reason}")]
    private partial void LogPromoted(string region, string leader, long epoch, string actor, string reason);

    [LoggerMessage(LogLevel.Warning, "Plan {Plan} of {Region} is aborted after {Moved} of {Nodes} nodes: {Reason}")]
    private partial void LogPlanEnded(string region, string plan, int moved, int nodes, string reason);

    [LoggerMessage(LogLevel.Error, "Placement of {Region} could not record a decision and starts again")]
    private partial void LogLost(string region, Exception fault);
}

using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Placement;

/// <summary>The region's one decision maker.</summary>
/// <remarks>
/// Reentrant, because a call only waits for its change to be stored: each call judges and changes the Ledger in one turn, so
/// decisions are still made one after the other, and one journal record stores those of all calls that wait.
/// </remarks>
[GrainType("overlay-placement"), Reentrant]
internal sealed partial class RegionPlacementGrain(
    PlacementContext context,
    IEnumerable<IExternalDecider> deciders,
    PlacementMeter meter,
    Loops loops,
    ILogger<RegionPlacementGrain> logger)
    : Grain, IInternalPlacementGrain, IPlacementPolicyGrain
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private StoredRegion history = null!;
    private NodePlacements places = null!;
    private RegionPolicies policies = null!;
    private PlanRunner plans = null!;
    private RegionLeadership leadership = null!;
    private LocalPlacement local = null!;
    private ReprovisionRequests requests = null!;
    private IGrainTimer? ticks;

    private string Region => this.GetPrimaryKeyString();

    private RegionState Ledger => history.Ledger;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var began = context.Time.GetTimestamp();
        history = context.Open(this.GetGrainId(), Abandon);
        places = new NodePlacements(history, Region, new ExternalDecision(deciders.FirstOrDefault(), context.Time, meter), meter);
        policies = new RegionPolicies(history, Region);
        leadership = new RegionLeadership(history, places, new PlanHandover(history, EndPlan));
        local = new LocalPlacement(history, Region, places, leadership);
        requests = new ReprovisionRequests(GrainFactory, context.Link, leadership, Region);
        plans = new PlanRunner(history, requests, meter, StartTicking);
        await history.OpenAsync(context.Options);
        plans.Restore();
        StartTicking();
        meter.Watch(Ledger);
        LogRestored(Region, Ledger.NodeCount, Ledger.Overlays.Count, context.Time.GetElapsedTime(began));
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        meter.Leave(Ledger);
        return Task.CompletedTask;
    }

    public async Task<PlacementOutcome> Place(PlacementRequest request)
    {
        CatchUp();
        leadership.EnsureHere();
        var outcome = await places.Place(request);
        if (Ledger.Unplaced.Look(Ledger.Policy.Unplaceable, history.Now) is { } alert)
        {
            LogUnplaceable(Region, alert);
        }

        return outcome;
    }

    public async Task Confirm(string identity, int attempt)
    {
        CatchUp();
        leadership.EnsureHere();
        try
        {
            await places.Confirm(identity, attempt);
            plans.NoteArrival(failed: false);
        }
        catch (PlacementLapsedException lapsed)
        {
            LogLapsed(identity, lapsed.Message);
            throw;
        }
    }

    public async Task Release(string identity, int attempt)
    {
        if (await places.Release(identity, attempt))
        {
            plans.NoteArrival(failed: true);
        }
    }

    public Task Forget(string identity)
    {
        CatchUp();
        leadership.EnsureHere();
        return places.Forget(identity);
    }

    public Task<PlacementExplanation?> Explain(string identity) =>
        Task.FromResult(Ledger.Node(identity) is { } node ? Explanation.Of(Ledger, node) : null);

    public async Task<IReadOnlyList<OverlaySnapshot>> ListOverlays()
    {
        CatchUp();
        var overlays = Snapshots(Ledger);
        await history.Written;
        return overlays;
    }

    /// <summary>The overlays as callers see them.</summary>
    public static OverlaySnapshot[] Snapshots(RegionState ledger) =>
    [
        .. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(overlay => new OverlaySnapshot(
            overlay.Name, overlay.State, overlay.Nodes, overlay.Reserved, overlay.SoftLimit, overlay.HardLimit,
            overlay.Promised + overlay.Untold, overlay.StateReason)),
    ];

    public async Task<bool> SetState(string overlay, OverlayState state, string reason)
    {
        CatchUp();
        leadership.EnsureHere();
        if (Ledger.Overlay(overlay) is not { } entry)
        {
            return false;
        }

        if (entry.State == state && entry.StateReason == reason)
        {
            await history.Written;
            return true;
        }

        // What stood in it is placed elsewhere, and its machines may be anything by now.
        if (entry.State == OverlayState.Retired && state != OverlayState.Retired)
        {
            throw new OverlayRetiredException(
                $"the overlay '{overlay}' is retired for good ({entry.StateReason}); to use its machines again, configure them as an overlay of "
                + "another name (Overlays:Members)");
        }

        await history.Record(leadership.Change(entry, state, reason));
        LogStateSet(Region, overlay, state, reason);
        return true;
    }

    public async Task<PolicyVerdict> CheckPolicy(string text)
    {
        CatchUp();
        var verdict = policies.Check(text);
        await history.Written;
        return verdict;
    }

    public async Task<PolicyVerdict> ApplyPolicy(string text, string actor)
    {
        CatchUp();
        leadership.EnsureHere();
        var before = Ledger.Policy.Version;
        var verdict = await policies.Apply(text, actor);
        if (verdict.Version != before)
        {
            LogPolicyApplied(Region, Ledger.Policy.Name, verdict.Version, actor);
        }

        return verdict;
    }

    public Task<PolicyVersion?> ShowPolicy(int? version) =>
        Task.FromResult(version is null ? Ledger.History.Current : Array.Find(Ledger.History.Versions, kept => kept.Version == version));

    public Task<IReadOnlyList<PolicyVersion>> ListPolicies() =>
        Task.FromResult<IReadOnlyList<PolicyVersion>>([.. Ledger.History.Versions.Reverse().Select(version => version with { Text = "" })]);

    public Task<SimulationOutcome> Simulate(IReadOnlyList<PlacementRequest> nodes, string? text)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes.Count, IPlacementPolicyGrain.SimulatedNodesMax);
        CatchUp();
        return Task.FromResult(policies.Simulate(nodes, text));
    }

    public Task<PlanOutcome> CreatePlan(PlanRequest request)
    {
        CatchUp();
        leadership.EnsureHere();
        return plans.Create(request);
    }

    public Task<PlacementPlan?> ShowPlan(string id) =>
        Ledger.Plans.Find(id) is null ? Task.FromResult<PlacementPlan?>(null) : history.Plans.ReadAsync(id);

    public Task<IReadOnlyList<PlanProgress>> ListPlans() => Task.FromResult<IReadOnlyList<PlanProgress>>([.. Ledger.Plans.Plans.Reverse()]);

    public Task<PlanOutcome> CommandPlan(string id, PlanCommand command, string actor)
    {
        leadership.EnsureHere();
        return plans.Command(id, command, actor);
    }

    // Being activated is all it takes: that starts the ticks.
    public Task Wake() => Task.CompletedTask;

    public Task<RegionLeader> Get()
    {
        CatchUp();
        return Task.FromResult(leadership.View);
    }

    public async Task<RegionLeader> Promote(string actor, string reason)
    {
        CatchUp();
        var before = leadership.View.Epoch;
        var leader = await leadership.Promote(actor, reason);
        if (leader.Epoch != before)
        {
            LogPromoted(Region, leader.Leader, leader.Epoch, actor, reason);
        }

        return leader;
    }

    public async Task<LinkReply> Answer(LinkRequest request)
    {
        CatchUp();
        var reply = await leadership.Answer(request);
        return request.Verb == LinkVerb.Reprovision && leadership.IsOfLeader(request)
            ? reply with { Summoned = await requests.HereAsync(request.Identity, request.Reason, CancellationToken.None) }
            : reply;
    }

    public Task<LinkRequest> NextHello() => Task.FromResult(leadership.Hello(Region));

    public Task Heard(LinkReply reply) => leadership.Heard(reply);

    public Task<LinkRequest> NextReport(string after) => Task.FromResult(local.NextReport(after));

    public Task Reported(long epoch) => leadership.Reported(epoch);

    public Task NotePlace(PlacementRequest request, LinkReply reply)
    {
        CatchUp();
        return local.NotePlace(request, reply);
    }

    public Task NoteArrived(string identity, int attempt, LinkReply reply)
    {
        CatchUp();
        return local.NoteArrived(identity, attempt, reply);
    }

    public Task NoteGone(string identity, LinkReply reply) => local.NoteGone(identity, reply);

    public Task<bool> ConfirmAlone(string identity, int attempt)
    {
        CatchUp();
        return local.ConfirmAlone(identity, attempt);
    }

    public Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why)
    {
        CatchUp();
        return local.PlaceAlone(request, why);
    }

    private void CatchUp()
    {
        for (var lapsed = history.CatchUp(context.Options); lapsed > 0; lapsed--)
        {
            plans.NoteArrival(failed: true);
        }
    }

    // One timer for the region, and only while a plan runs; it interleaves, for a tick waits for the store as a call does.
    private void StartTicking() => ticks ??= plans.IsBusy && leadership.IsHere
        ? this.RegisterGrainTimer(
            token => loops.RoundAsync("plan", Tick, token),
            new GrainTimerCreationOptions(Period, Period) { Interleave = true, KeepAlive = true })
        : null;

    private async Task Tick(CancellationToken cancellationToken)
    {
        try
        {
            CatchUp();
            await (leadership.IsHere ? plans.Tick() : Task.CompletedTask);
        }
        catch (PlacementUnavailableException lost)
        {
            LogLost(Region, lost);
        }

        if (!plans.IsBusy || !leadership.IsHere)
        {
            ticks?.Dispose();
            ticks = null;
        }
    }

    private void EndPlan(PlanProgress plan)
    {
        plans.Drop();
        LogPlanEnded(Region, plan.Id, plan.Moved, plan.Nodes, plan.Reason);
    }

    // Memory is ahead of the store and nobody knows by how much: the next activation reads what is true.
    private void Abandon(Exception fault)
    {
        LogLost(Region, fault);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Information, "Placement of {Region} restored: {Nodes} nodes in {Overlays} overlays after {Elapsed}")]
    private partial void LogRestored(string region, int nodes, int overlays, TimeSpan elapsed);

    [LoggerMessage(LogLevel.Information, "Overlay {Overlay} of {Region} is {State}: {Reason}")]
    private partial void LogStateSet(string region, string overlay, OverlayState state, string reason);

    [LoggerMessage(LogLevel.Information, "Policy {Policy}@{Version} of {Region} applied by {Actor}")]
    private partial void LogPolicyApplied(string region, string policy, int version, string actor);

    [LoggerMessage(LogLevel.Warning, "{Node} arrived and has no place: {Reason}")]
    private partial void LogLapsed(string node, string reason);

    [LoggerMessage(LogLevel.Warning, "Placement of {Region}: {Alert}")]
    private partial void LogUnplaceable(string region, string alert);

    [LoggerMessage(LogLevel.Warning, "Placement of {Region} is in {Leader} from now on (epoch {Epoch}), promoted by {Actor}: {Reason}")]
    private partial void LogPromoted(string region, string leader, long epoch, string actor, string reason);

    [LoggerMessage(LogLevel.Warning, "Plan {Plan} of {Region} is aborted after {Moved} of {Nodes} nodes: {Reason}")]
    private partial void LogPlanEnded(string region, string plan, int moved, int nodes, string reason);

    [LoggerMessage(LogLevel.Error, "Placement of {Region} could not record a decision and starts again")]
    private partial void LogLost(string region, Exception fault);
}

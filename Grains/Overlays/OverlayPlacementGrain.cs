using ControlPlane.Overlays.Plans;
using ControlPlane.Overlays.Policies;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Overlays;

/// <summary>The region's one decision maker.</summary>
/// <remarks>
/// Reentrant, because a call only waits for its change to be stored: each call judges and changes the Ledger in one turn, so
/// decisions are still made one after the other, and one journal record stores those of all calls that wait.
/// </remarks>
[GrainType("overlay-placement"), Reentrant]
internal sealed partial class OverlayPlacementGrain(
    PlacementContext context,
    IEnumerable<IExternalDecider> deciders,
    PlacementMeter meter,
    Loops loops,
    ILogger<OverlayPlacementGrain> logger)
    : Grain, IOverlayPlacementGrain, IPlacementPolicyGrain, IPlacementPlanGrain, IPlacementHomeGrain
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private RegionHistory history = null!;
    private PlacementDesk places = null!;
    private PolicyDesk policies = null!;
    private PlanRunner plans = null!;
    private HomeDesk homes = null!;
    private ResidentDesk residents = null!;
    private NodeSummons summons = null!;
    private IGrainTimer? ticks;

    private string Region => this.GetPrimaryKeyString();

    private RegionLedger Ledger => history.Ledger;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var began = context.Time.GetTimestamp();
        history = context.Open(this.GetGrainId(), Abandon);
        places = new PlacementDesk(history, Region, new ExternalDecision(deciders.FirstOrDefault(), context.Time, meter), meter);
        policies = new PolicyDesk(history, Region);
        homes = new HomeDesk(history, places, new PlanHandover(history, EndPlan));
        residents = new ResidentDesk(history, Region, places, homes);
        summons = new NodeSummons(GrainFactory, context.Link, homes, Region);
        plans = new PlanRunner(history, summons, meter, StartTicking);
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
        homes.EnsureHere();
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
        homes.EnsureHere();
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
        homes.EnsureHere();
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
    public static OverlaySnapshot[] Snapshots(RegionLedger ledger) =>
    [
        .. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(overlay => new OverlaySnapshot(
            overlay.Name, overlay.State, overlay.Nodes, overlay.Reserved, overlay.SoftLimit, overlay.HardLimit,
            overlay.Promised + overlay.Untold, overlay.StateReason)),
    ];

    public async Task<bool> SetState(string overlay, OverlayState state, string reason)
    {
        CatchUp();
        homes.EnsureHere();
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

        await history.Record(homes.Change(entry, state, reason));
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
        homes.EnsureHere();
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
        homes.EnsureHere();
        return plans.Create(request);
    }

    public Task<PlacementPlan?> ShowPlan(string id) =>
        Ledger.Plans.Find(id) is null ? Task.FromResult<PlacementPlan?>(null) : history.Plans.ReadAsync(id);

    public Task<IReadOnlyList<PlanProgress>> ListPlans() => Task.FromResult<IReadOnlyList<PlanProgress>>([.. Ledger.Plans.Plans.Reverse()]);

    public Task<PlanOutcome> CommandPlan(string id, PlanCommand command, string actor)
    {
        homes.EnsureHere();
        return plans.Command(id, command, actor);
    }

    // Being activated is all it takes: that starts the ticks.
    public Task Wake() => Task.CompletedTask;

    public Task<RegionHome> Home()
    {
        CatchUp();
        return Task.FromResult(homes.View);
    }

    public async Task<RegionHome> Promote(string actor, string reason)
    {
        CatchUp();
        var before = homes.View.Epoch;
        var home = await homes.Promote(actor, reason);
        if (home.Epoch != before)
        {
            LogPromoted(Region, home.Home, home.Epoch, actor, reason);
        }

        return home;
    }

    public async Task<LinkReply> Answer(LinkRequest request)
    {
        CatchUp();
        var reply = await homes.Answer(request);
        return request.Verb == LinkVerb.Reprovision && homes.IsOfHome(request)
            ? reply with { Summoned = await summons.HereAsync(request.Identity, request.Reason, CancellationToken.None) }
            : reply;
    }

    public Task<LinkRequest> NextHello() => Task.FromResult(homes.Hello(Region));

    public Task Heard(LinkReply reply) => homes.Heard(reply);

    public Task<LinkRequest> NextReport(string after) => Task.FromResult(residents.NextReport(after));

    public Task Reported(long epoch) => homes.Reported(epoch);

    public Task NotePlace(PlacementRequest request, LinkReply reply)
    {
        CatchUp();
        return residents.NotePlace(request, reply);
    }

    public Task NoteArrived(string identity, int attempt, LinkReply reply)
    {
        CatchUp();
        return residents.NoteArrived(identity, attempt, reply);
    }

    public Task NoteGone(string identity, LinkReply reply) => residents.NoteGone(identity, reply);

    public Task<bool> ConfirmAlone(string identity, int attempt)
    {
        CatchUp();
        return residents.ConfirmAlone(identity, attempt);
    }

    public Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why)
    {
        CatchUp();
        return residents.PlaceAlone(request, why);
    }

    private void CatchUp()
    {
        for (var lapsed = history.CatchUp(context.Options); lapsed > 0; lapsed--)
        {
            plans.NoteArrival(failed: true);
        }
    }

    // One timer for the region, and only while a plan runs; it interleaves, for a tick waits for the store as a call does.
    private void StartTicking() => ticks ??= plans.IsBusy && homes.IsHere
        ? this.RegisterGrainTimer(
            token => loops.RoundAsync("plan", Tick, token),
            new GrainTimerCreationOptions(Period, Period) { Interleave = true, KeepAlive = true })
        : null;

    private async Task Tick(CancellationToken cancellationToken)
    {
        try
        {
            CatchUp();
            await (homes.IsHere ? plans.Tick() : Task.CompletedTask);
        }
        catch (PlacementUnavailableException lost)
        {
            LogLost(Region, lost);
        }

        if (!plans.IsBusy || !homes.IsHere)
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

    [LoggerMessage(LogLevel.Warning, "Placement of {Region} is in {Home} from now on (epoch {Epoch}), promoted by {Actor}: {Reason}")]
    private partial void LogPromoted(string region, string home, long epoch, string actor, string reason);

    [LoggerMessage(LogLevel.Warning, "Plan {Plan} of {Region} is aborted after {Moved} of {Nodes} nodes: {Reason}")]
    private partial void LogPlanEnded(string region, string plan, int moved, int nodes, string reason);

    [LoggerMessage(LogLevel.Error, "Placement of {Region} could not record a decision and starts again")]
    private partial void LogLost(string region, Exception fault);
}

using ControlPlane.Overlays.Plans;
using ControlPlane.Overlays.Policies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Overlays;

/// <summary>The region's one decision maker.</summary>
/// <remarks>
/// Reentrant, because a call only waits for its change to be stored: each call judges and changes the Ledger in one turn, so
/// decisions are still made one after the other, and one journal record stores those of all calls that wait.
/// </remarks>
[GrainType("overlay-placement"), Reentrant]
internal sealed partial class OverlayPlacementGrain(
    [FromKeyedServices(Stores.Fleet)] IGrainStorage storage,
    Serializer serializer,
    IOptionsMonitor<OverlaysOptions> options,
    TimeProvider time,
    ILogger<OverlayPlacementGrain> logger) : Grain, IOverlayPlacementGrain, IPlacementPolicyGrain, IPlacementPlanGrain
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private RegionHistory history = null!;
    private PolicyDesk policies = null!;
    private PlanRunner plans = null!;
    private IGrainTimer? ticks;

    private string Region => this.GetPrimaryKeyString();

    private RegionLedger Ledger => history.Ledger;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        history = new RegionHistory(storage, this.GetGrainId(), serializer, time, Abandon);
        policies = new PolicyDesk(history, Region);
        plans = new PlanRunner(history, GrainFactory, StartTicking);
        await history.OpenAsync(options.CurrentValue);
        plans.Restore();
        StartTicking();
        LogRestored(Region, Ledger.NodeCount, Ledger.Overlays.Count, time.GetElapsedTime(began));
    }

    public async Task<PlacementOutcome> Place(PlacementRequest request)
    {
        history.CatchUp(options.CurrentValue);
        if (history.IsFull)
        {
            return new PlacementOutcome.Deferred("placement is busy", TimeSpan.FromSeconds(1));
        }

        var known = Ledger.Node(request.Identity);
        if (known?.LiveHold is { Plan: null } held && held.Attempt >= request.Attempt)
        {
            return await Renew(known, held, request.Attempt);
        }

        if (known is { Home: { } home } && known.HomeAttempt >= request.Attempt)
        {
            await history.Written;
            return new PlacementOutcome.Placed(home, "arrived already", history.Now + history.Options.LeaseLifetime);
        }

        return await Decide(request, known);
    }

    public async Task Confirm(string identity, int attempt)
    {
        history.CatchUp(options.CurrentValue);
        var node = Ledger.Node(identity);
        if (node?.HomeAttempt >= attempt || node?.Held?.Attempt > attempt)
        {
            // Confirmed before, or superseded by a later enrolment: either way the answer waits for what it rests on.
            await history.Written;
            return;
        }

        if (node?.Held is not { } held || held.Attempt != attempt)
        {
            LogLapsed(identity, "its overlay");
            throw new PlacementLapsedException($"{identity} has no place: it was given back");
        }

        if (held.Lapsed && held.Overlay != node.Home
            && (Ledger.Overlay(held.Overlay) is not { } overlay || overlay.Committed + 1 > overlay.HardLimit))
        {
            LogLapsed(identity, held.Overlay);
            throw new PlacementLapsedException($"the place of {identity} in {held.Overlay} lapsed, and {held.Overlay} is full");
        }

        await history.Record(new LedgerEntry.NodeChanged(node with { Home = held.Overlay, HomeAttempt = attempt, Held = null }));
    }

    public async Task Release(string identity, int attempt)
    {
        if (Ledger.Node(identity) is not { Held: { } held } node || held.Attempt != attempt)
        {
            await history.Written;
            return;
        }

        await history.Record(RegionHistory.Without(node));
    }

    public async Task Forget(string identity)
    {
        await (Ledger.Node(identity) is null ? history.Written : history.Record(new LedgerEntry.NodeForgotten(identity)));
    }

    public Task<PlacementExplanation?> Explain(string identity) =>
        Task.FromResult(Ledger.Node(identity) is { } node ? Explanation.Of(Ledger, node) : null);

    public async Task<IReadOnlyList<OverlaySnapshot>> ListOverlays()
    {
        history.CatchUp(options.CurrentValue);
        var overlays = Snapshots(Ledger);
        await history.Written;
        return overlays;
    }

    /// <summary>The overlays as callers see them.</summary>
    public static OverlaySnapshot[] Snapshots(RegionLedger ledger) =>
    [
        .. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(overlay => new OverlaySnapshot(
            overlay.Name, overlay.State, overlay.Nodes, overlay.Reserved, overlay.SoftLimit, overlay.HardLimit,
            overlay.Promised, overlay.StateReason)),
    ];

    public async Task<bool> SetState(string overlay, OverlayState state, string reason)
    {
        history.CatchUp(options.CurrentValue);
        if (Ledger.Overlay(overlay) is not { } entry)
        {
            return false;
        }

        if (entry.State == state && entry.StateReason == reason)
        {
            await history.Written;
            return true;
        }

        await history.Record(new LedgerEntry.OverlaySet(overlay, state, reason, history.Now));
        LogStateSet(Region, overlay, state, reason);
        return true;
    }

    public async Task<PolicyVerdict> CheckPolicy(string text)
    {
        history.CatchUp(options.CurrentValue);
        var verdict = policies.Check(text);
        await history.Written;
        return verdict;
    }

    public async Task<PolicyVerdict> ApplyPolicy(string text, string actor)
    {
        history.CatchUp(options.CurrentValue);
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
        history.CatchUp(options.CurrentValue);
        return Task.FromResult(policies.Simulate(nodes, text));
    }

    public Task<PlanOutcome> CreatePlan(PlanRequest request)
    {
        history.CatchUp(options.CurrentValue);
        return plans.Create(request);
    }

    public Task<PlacementPlan?> ShowPlan(string id) =>
        Ledger.Plans.Find(id) is null ? Task.FromResult<PlacementPlan?>(null) : history.Plans.ReadAsync(id);

    public Task<IReadOnlyList<PlanProgress>> ListPlans() => Task.FromResult<IReadOnlyList<PlanProgress>>([.. Ledger.Plans.Plans.Reverse()]);

    public Task<PlanOutcome> CommandPlan(string id, PlanCommand command, string actor) => plans.Command(id, command, actor);

    // Being activated is all it takes: that starts the ticks.
    public Task Wake() => Task.CompletedTask;

    private async Task<PlacementOutcome> Decide(PlacementRequest request, PlacedNode? known)
    {
        var bag = Ledger.Share(AttributeBag.Read(Ledger.Policy, request.ClaimsJson, request.EnrolmentJson, request.FactsJson));
        var applicant = new Applicant(request.Identity, bag);
        var decision = PlacementEngine.Decide(Ledger, applicant, known);
        if (decision.Overlay is not { } overlay)
        {
            await history.Written;
            return Unplaced(decision);
        }

        var until = history.Now + history.Options.LeaseLifetime;
        var plan = known?.LiveHold?.Plan;
        var node = (known ?? PlacedNode.New(request.Identity)) with
        {
            Held = new Reservation(overlay.Name, request.Attempt, until, false, plan),
            Attributes = bag.Json,
            Declared = decision.Situation.DeclaredIn(overlay),
            Trace = DecisionTrace.Encode(decision, Ledger.Sequence),
        };
        var reason = decision.Reason();
        await history.Record(new LedgerEntry.NodeChanged(node));
        return new PlacementOutcome.Placed(overlay.Name, reason, until);
    }

    private async Task<PlacementOutcome> Renew(PlacedNode known, Reservation held, int attempt)
    {
        // An older attempt that asks late changes nothing: its successor holds the place.
        var until = history.Now + history.Options.LeaseLifetime;
        if (held.Attempt == attempt && held.Until < until)
        {
            await history.Record(new LedgerEntry.NodeChanged(known with { Held = held with { Until = until } }));
        }
        else
        {
            await history.Written;
            until = held.Until;
        }

        return new PlacementOutcome.Placed(held.Overlay, Explanation.Of(Ledger, known).Reason, until);
    }

    private PlacementOutcome Unplaced(Decision decision)
    {
        var rule = Ledger.Policy.Unplaceable;
        return rule.Action == UnplaceableAction.Refuse
            ? new PlacementOutcome.Refused(decision.Reason())
            : new PlacementOutcome.Deferred(decision.Reason(), rule.RetryAfter);
    }

    // One timer for the region, and only while a plan runs; it interleaves, for a tick waits for the store as a call does.
    private void StartTicking() => ticks ??= plans.IsBusy
        ? this.RegisterGrainTimer(Tick, new GrainTimerCreationOptions(Period, Period) { Interleave = true, KeepAlive = true })
        : null;

    private async Task Tick(CancellationToken cancellationToken)
    {
        try
        {
            history.CatchUp(options.CurrentValue);
            await plans.Tick();
        }
        catch (PlacementUnavailableException lost)
        {
            LogLost(Region, lost);
        }

        if (!plans.IsBusy)
        {
            ticks?.Dispose();
            ticks = null;
        }
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

    [LoggerMessage(LogLevel.Warning, "{Node} arrived after its reservation lapsed, and there is no room for it in {Overlay}")]
    private partial void LogLapsed(string node, string overlay);

    [LoggerMessage(LogLevel.Error, "Placement of {Region} could not record a decision and starts again")]
    private partial void LogLost(string region, Exception fault);
}

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
/// Reentrant, because a call only waits for its change to be stored: each call judges and changes the ledger in one turn, so
/// decisions are still made one after the other, and one journal record stores those of all calls that wait.
/// </remarks>
[GrainType("overlay-placement"), Reentrant]
internal sealed partial class OverlayPlacementGrain(
    [FromKeyedServices(Stores.Fleet)] IGrainStorage storage,
    Serializer serializer,
    IOptionsMonitor<OverlaysOptions> options,
    TimeProvider time,
    ILogger<OverlayPlacementGrain> logger) : Grain, IOverlayPlacementGrain
{
    // A lapsed reservation is remembered this long, so that a node that arrives late is known.
    private static readonly TimeSpan LapsedKept = TimeSpan.FromDays(1);

    private readonly RegionLedger ledger = new();
    private PlacementJournal journal = null!;
    private GroupCommit commit = null!;
    private OverlaysOptions configured = null!;
    private Task compaction = Task.CompletedTask;

    private string Region => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        journal = new PlacementJournal(storage, this.GetGrainId(), serializer);
        commit = new GroupCommit(AppendAsync, Abandon);
        configured = options.CurrentValue;

        ledger.BeginRestore();
        await journal.RestoreAsync(ledger);
        ledger.EndRestore(configured);

        _ = Record(new LedgerEntry.Opened(time.GetUtcNow()));
        MentionConfigured();
        await commit.Written;
        LogRestored(Region, ledger.NodeCount, ledger.Overlays.Count, time.GetElapsedTime(began));
    }

    public async Task<PlacementOutcome> Place(PlacementRequest request)
    {
        Refresh();
        if (commit.IsFull)
        {
            return new PlacementOutcome.Deferred("placement is busy", TimeSpan.FromSeconds(1));
        }

        var known = ledger.Node(request.Identity);
        if (known?.LiveHold is { Plan: null } held && held.Attempt >= request.Attempt)
        {
            return await Renew(known, held, request.Attempt);
        }

        if (known is { Home: { } home } && known.HomeAttempt >= request.Attempt)
        {
            await commit.Written;
            return new PlacementOutcome.Placed(home, "arrived already", time.GetUtcNow() + configured.LeaseLifetime);
        }

        return await Decide(request, known);
    }

    public async Task Confirm(string identity, int attempt)
    {
        Refresh();
        if (ledger.Node(identity) is not { Held: { } held } node || held.Attempt != attempt)
        {
            // Confirmed before, or superseded by a later enrolment: either way the answer waits for what it rests on.
            await commit.Written;
            return;
        }

        if (held.Lapsed && held.Overlay != node.Home
            && (ledger.Overlay(held.Overlay) is not { } overlay || overlay.Committed + 1 > overlay.HardLimit))
        {
            LogLapsed(identity, held.Overlay);
            throw new PlacementLapsedException($"the place of {identity} in {held.Overlay} lapsed, and {held.Overlay} is full");
        }

        await Record(new LedgerEntry.NodeChanged(node with { Home = held.Overlay, HomeAttempt = attempt, Held = null }));
    }

    public async Task Release(string identity, int attempt)
    {
        if (ledger.Node(identity) is not { Held: { } held } node || held.Attempt != attempt)
        {
            await commit.Written;
            return;
        }

        await Record(Without(node));
    }

    public async Task Forget(string identity)
    {
        await (ledger.Node(identity) is null ? commit.Written : Record(new LedgerEntry.NodeForgotten(identity)));
    }

    public Task<PlacementExplanation?> Explain(string identity) =>
        Task.FromResult(ledger.Node(identity) is { } node ? Explanation.Of(ledger, node) : null);

    public async Task<IReadOnlyList<OverlaySnapshot>> ListOverlays()
    {
        Refresh();
        OverlaySnapshot[] overlays = [.. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(overlay =>
            new OverlaySnapshot(
                overlay.Name, overlay.State, overlay.Nodes, overlay.Reserved, overlay.SoftLimit, overlay.HardLimit,
                overlay.Promised, overlay.StateReason))];
        await commit.Written;
        return overlays;
    }

    public async Task<bool> SetState(string overlay, OverlayState state, string reason)
    {
        Refresh();
        if (ledger.Overlay(overlay) is not { } entry)
        {
            return false;
        }

        if (entry.State == state && entry.StateReason == reason)
        {
            await commit.Written;
            return true;
        }

        await Record(new LedgerEntry.OverlaySet(overlay, state, reason, time.GetUtcNow()));
        LogStateSet(Region, overlay, state, reason);
        return true;
    }

    private async Task<PlacementOutcome> Decide(PlacementRequest request, PlacedNode? known)
    {
        var bag = ledger.Share(AttributeBag.Read(ledger.Policy, request.ClaimsJson, request.EnrolmentJson, request.FactsJson));
        var applicant = new Applicant(request.Identity, bag);
        var decision = PlacementEngine.Decide(ledger, applicant, known);
        if (decision.Overlay is not { } overlay)
        {
            await commit.Written;
            return Unplaced(decision);
        }

        var until = time.GetUtcNow() + configured.LeaseLifetime;
        var plan = known?.LiveHold?.Plan;
        var node = (known ?? PlacedNode.New(request.Identity)) with
        {
            Held = new Reservation(overlay.Name, request.Attempt, until, false, plan),
            Attributes = bag.Json,
            Declared = decision.Situation.Declared,
            Trace = DecisionTrace.Encode(decision, ledger.Sequence),
        };
        var reason = decision.Reason();
        await Record(new LedgerEntry.NodeChanged(node));
        return new PlacementOutcome.Placed(overlay.Name, reason, until);
    }

    private async Task<PlacementOutcome> Renew(PlacedNode known, Reservation held, int attempt)
    {
        // An older attempt that asks late changes nothing: its successor holds the place.
        var until = time.GetUtcNow() + configured.LeaseLifetime;
        if (held.Attempt == attempt && held.Until < until)
        {
            await Record(new LedgerEntry.NodeChanged(known with { Held = held with { Until = until } }));
        }
        else
        {
            await commit.Written;
            until = held.Until;
        }

        return new PlacementOutcome.Placed(held.Overlay, Explanation.Of(ledger, known).Reason, until);
    }

    private PlacementOutcome Unplaced(Decision decision)
    {
        var rule = ledger.Policy.Unplaceable;
        return rule.Action == UnplaceableAction.Refuse
            ? new PlacementOutcome.Refused(decision.Reason())
            : new PlacementOutcome.Deferred(decision.Reason(), rule.RetryAfter);
    }

    private static LedgerEntry Without(PlacedNode node) => node.Home is null
        ? new LedgerEntry.NodeForgotten(node.Identity)
        : new LedgerEntry.NodeChanged(node with { Held = null });

    private Task Record(LedgerEntry entry)
    {
        if (commit.IsLost)
        {
            throw new PlacementUnavailableException("placement is starting again; ask again");
        }

        ledger.Apply(entry);
        return commit.Add(entry);
    }

    // Time and configuration move without anybody calling; each call first catches up with both.
    private void Refresh()
    {
        if (!ReferenceEquals(configured, options.CurrentValue))
        {
            configured = options.CurrentValue;
            ledger.Configure(configured);
            MentionConfigured();
        }

        var now = time.GetUtcNow();
        while (ledger.NextLapsed(now) is { LiveHold: { } hold } node)
        {
            _ = Record(new LedgerEntry.NodeChanged(node with { Held = hold with { Lapsed = true } }));
        }
    }

    private void MentionConfigured()
    {
        var isNew = false;
        foreach (var name in configured.Members.Keys.Order(StringComparer.Ordinal))
        {
            if (ledger.Overlay(name) is null)
            {
                isNew = true;
                _ = Record(new LedgerEntry.OverlaySet(name, OverlayState.Active, "configured", time.GetUtcNow()));
            }
        }

        if (isNew)
        {
            ledger.Configure(configured);
        }
    }

    private async Task AppendAsync(LedgerEntry[] entries)
    {
        await journal.AppendAsync(entries);
        if (journal.WantsCompaction && compaction.IsCompleted)
        {
            compaction = CompactAsync();
        }
    }

    private async Task CompactAsync()
    {
        try
        {
            ForgetLapsed();
            await journal.CompactAsync(ledger, ledger.Capture);
            ledger.Tidy();
        }
#pragma warning disable CA1031 // Whatever the store throws, the journal is whole and this activation must not go on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Abandon(fault);
        }
    }

    private void ForgetLapsed()
    {
        var before = time.GetUtcNow() - LapsedKept;
        foreach (var node in ledger.AllNodes().Where(node => node.Held is { Lapsed: true } held && held.Until < before).ToArray())
        {
            _ = Record(Without(node));
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

    [LoggerMessage(LogLevel.Warning, "{Node} arrived in {Overlay} after its reservation lapsed, and the overlay is full")]
    private partial void LogLapsed(string node, string overlay);

    [LoggerMessage(LogLevel.Error, "Placement of {Region} could not record a decision and starts again")]
    private partial void LogLost(string region, Exception fault);
}

using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>Makes, keeps and runs the plans of a region.</summary>
/// <remarks>
/// The ledger says who is on the way: a node with a place held for the plan. So after a crash the runner finds its moves again and tells
/// their nodes again: one that was told twice enrols once.
/// </remarks>
internal sealed class PlanRunner(StoredRegion history, ReprovisionRequests requests, PlacementMeter meter, Action wake)
{
    private const int ReportsMax = 100;
    private static readonly TimeSpan TellDeadline = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, string> onTheirWay = new(StringComparer.Ordinal);
    private readonly MassFailureBrake brake = new("moves", MassFailureBrake.MovesMin);

    // The plan may be innocent, and still must not go on while nodes of the region do not come back from enrolling.
    private readonly MassFailureBrake regionBrake = new("enrolments of the region", MassFailureBrake.EnrolmentsMin);
    private PlacementPlan? open;
    private string? current;
    private double allowance;
    private DateTimeOffset? lastTick;

    private RegionState Ledger => history.Ledger;

    public bool IsBusy => Ledger.Plans.Running is not null || onTheirWay.Count > 0;

    public async Task<PlanOutcome> Create(PlanRequest request)
    {
        var isOfOverlay = request.Kind is PlanKind.Drain or PlanKind.Retire;
        if (isOfOverlay && Ledger.Overlay(request.Overlay) is null)
        {
            return new PlanOutcome.Refused(PlanRefusal.UnknownOverlay, $"the region has no overlay '{request.Overlay}'");
        }

        if (isOfOverlay && Ledger.Overlay(request.Overlay)!.Awaited is not null)
        {
            return new PlanOutcome.Refused(
                PlanRefusal.NothingToMove, $"{request.Overlay} has not reported its nodes to the new leader yet");
        }

        var id = $"{request.Kind.ToString().ToLowerInvariant()}-{Ledger.Plans.Count + 1}";
        var plan = PlanMaker.Make(Ledger, request.Kind, isOfOverlay ? Ledger.Overlay(request.Overlay) : null)
            .Finish(id, request with { Overlay = isOfOverlay ? request.Overlay : "" }, history.Now);
        if (plan.Nodes == 0 && request.Kind != PlanKind.Retire)
        {
            return new PlanOutcome.Refused(PlanRefusal.NothingToMove, plan.Unplaced > 0
                ? $"{plan.Unplaced} nodes should move, and no other overlay may take them"
                : "all is as the plan would have it");
        }

        if (Ledger.Plans.Oldest is { } oldest)
        {
            await history.Plans.DropAsync(oldest.Id);
        }

        // The moves first: a plan that is in the book can be run.
        await history.Plans.WriteAsync(plan);
        var stage = Ledger.Policy.Rebalance.ApprovalRequired ? PlanStage.Draft : PlanStage.Approved;
        if (stage == PlanStage.Approved && Ledger.Plans.Running is not null)
        {
            stage = PlanStage.Draft;
        }

        var progress = new PlanProgress(id, plan.Kind, plan.Overlay, stage, "", request.Actor, history.Now, plan.Nodes, 0, 0, 0, 0, 0, []);
        await history.Record(new PlacementChange.PlanChanged(progress));
        wake();
        return new PlanOutcome.Accepted(progress);
    }

    public async Task<PlanOutcome> Command(string id, PlanCommand command, string actor)
    {
        if (Ledger.Plans.Find(id) is not { } plan)
        {
            return new PlanOutcome.Refused(PlanRefusal.UnknownPlan, $"the region has no plan '{id}'");
        }

        var wanted = command switch
        {
            PlanCommand.Approve or PlanCommand.Resume => PlanStage.Approved,
            PlanCommand.Pause => PlanStage.Paused,
            _ => PlanStage.Aborted,
        };
        if (plan.Stage == wanted || (wanted == PlanStage.Approved && plan.Stage == PlanStage.Running))
        {
            await history.Written;
            return new PlanOutcome.Accepted(plan);
        }

        var from = command switch
        {
            PlanCommand.Approve => plan.Stage is PlanStage.Draft,
            PlanCommand.Resume => plan.Stage is PlanStage.Paused,
            PlanCommand.Pause => plan.Stage is PlanStage.Approved or PlanStage.Running,
            _ => plan.Stage is not PlanStage.Done,
        };
        if (!from)
        {
            return new PlanOutcome.Refused(PlanRefusal.WrongStage,
                $"{id} is {plan.Stage}: it cannot be told to {command.ToString().ToLowerInvariant()}");
        }

        if (wanted == PlanStage.Approved && Ledger.Plans.Running is { } other)
        {
            return new PlanOutcome.Refused(PlanRefusal.AnotherPlanRuns, $"{other.Id} runs: one plan at a time");
        }

        brake.Reset();
        regionBrake.Reset();
        var changed = plan with { Stage = wanted, Actor = actor, Reason = $"{command} by {actor}", ChangedAt = history.Now };
        var stored = history.Record(new PlacementChange.PlanChanged(changed));
        if (wanted == PlanStage.Aborted)
        {
            history.EndHomings();
        }

        await stored;
        wake();
        return new PlanOutcome.Accepted(changed);
    }

    /// <summary>Hears how the place of an enrolment ended, whoever it was for.</summary>
    public void NoteArrival(bool failed)
    {
        if (Ledger.Plans.Running is not null)
        {
            regionBrake.Note(failed);
        }
    }

    /// <summary>Another overlay is the leader: what is on its way arrives there.</summary>
    public void Drop()
    {
        onTheirWay.Clear();
        (open, current) = (null, null);
    }

    /// <summary>Finds the moves that were under way when the last activation ended, perhaps before their nodes were told.</summary>
    public void Restore()
    {
        foreach (var node in Ledger.AllNodes())
        {
            if (node.LiveHold is { Plan: not null } hold)
            {
                onTheirWay[node.Identity] = hold.Overlay;
                current = hold.Plan;
                if (hold.Attempt == Reservation.ForPlan && Ledger.Plans.Running?.Id == hold.Plan)
                {
                    _ = Tell(hold.Plan, node.Identity, node.Home ?? "", hold.Overlay);
                }
            }
        }
    }

    /// <summary>One step of the plan that runs: counts who arrived, then sends as many more as the rate allows.</summary>
    public async Task Tick()
    {
        if (Ledger.Plans.Running is not { } plan)
        {
            await SettleStopped();
            return;
        }

        var now = history.Now;
        if (open?.Id != plan.Id)
        {
            open = await history.Plans.ReadAsync(plan.Id);
            if (Ledger.Plans.Find(plan.Id) is not { Stage: PlanStage.Approved or PlanStage.Running } again)
            {
                return;
            }

            plan = again;
            if (open is null)
            {
                await Abort(plan, "its moves are not in the store any more: make another plan", now);
                return;
            }
        }

        var before = plan;
        plan = Settle(plan)!;
        current = plan.Id;
        if ((brake.Reason() ?? regionBrake.Reason()) is { } reason)
        {
            plan = plan with { Stage = PlanStage.Paused, Reason = reason, ChangedAt = now };
        }
        else if (Ledger.Policy.Rebalance.Window?.Contains(now) != false)
        {
            plan = Begin(plan, now);
            plan = Send(plan, now);
            plan = plan.NextMove >= open!.Moves.Count && onTheirWay.Count == 0 ? Finish(plan, now) : plan;
        }

        if (!ReferenceEquals(plan, before))
        {
            await history.Record(new PlacementChange.PlanChanged(plan));
        }
    }

    private Task Abort(PlanProgress plan, string reason, DateTimeOffset now)
    {
        history.EndHomings();
        return history.Record(new PlacementChange.PlanChanged(plan with { Stage = PlanStage.Aborted, Reason = reason, ChangedAt = now }));
    }

    // Nodes that were on their way when their plan was paused or aborted still arrive, and are counted.
    private async Task SettleStopped()
    {
        var plan = current is null ? null : Ledger.Plans.Find(current);
        var settled = Settle(plan);
        if (settled is not null && !ReferenceEquals(settled, plan))
        {
            await history.Record(new PlacementChange.PlanChanged(settled));
        }
    }

    private PlanProgress Begin(PlanProgress plan, DateTimeOffset now)
    {
        if (plan.Stage == PlanStage.Running)
        {
            return plan;
        }

        // From here on the overlay takes nobody, and who comes back to it is placed elsewhere.
        if (plan.Overlay.Length > 0
            && Ledger.Overlay(plan.Overlay) is { Awaited: null, State: not OverlayState.Draining and not OverlayState.Retired })
        {
            _ = history.Record(new PlacementChange.OverlaySet(plan.Overlay, OverlayState.Draining, $"plan {plan.Id}", now));
        }

        lastTick = now;
        return plan with { Stage = PlanStage.Running, ChangedAt = now };
    }

    private PlanProgress Send(PlanProgress plan, DateTimeOffset now)
    {
        var rule = Ledger.Policy.Rebalance;
        allowance = Math.Min(rule.MaxMovesPerMinute, allowance + (rule.MaxMovesPerMinute * (now - (lastTick ?? now)).TotalMinutes));
        lastTick = now;
        while (plan.NextMove < open!.Moves.Count && onTheirWay.Count < rule.MovesInFlightMax)
        {
            var move = open.Moves[plan.NextMove];
            if (plan.NextNode >= move.Identities.Count)
            {
                plan = plan with { NextMove = plan.NextMove + 1, NextNode = 0 };
                continue;
            }

            if (allowance < 1)
            {
                break;
            }

            var identity = move.Identities[plan.NextNode];
            plan = plan with { NextNode = plan.NextNode + 1 };
            if (Ledger.Node(identity) is { LiveHold: null } there && there.Home == move.To)
            {
                plan = plan with { Moved = plan.Moved + 1 };
            }
            else if (Objection(identity, move) is { } objection)
            {
                meter.Moved("skipped");
                plan = Report(plan with { Skipped = plan.Skipped + 1 }, $"{identity} skipped: {objection}");
            }
            else
            {
                allowance--;
                onTheirWay[identity] = move.To;
                _ = Start(plan.Id, identity, move.From, move.To);
            }
        }

        return plan;
    }

    /// <summary>Why a move is not to be made now; null when it is as right as when it was planned.</summary>
    private string? Objection(string identity, PlannedMove move)
    {
        if (Ledger.Node(identity) is not { } node || node.Home != move.From || node.LiveHold is not null)
        {
            return $"it is not at rest in {move.From} any more";
        }

        if (Ledger.Overlay(move.From) is not { } from || from.State == OverlayState.Isolated)
        {
            return $"{move.From} is isolated: no moves out";
        }

        if (Ledger.Overlay(move.To) is not { State: OverlayState.Active, IsConfigured: true } to)
        {
            return $"{move.To} takes no nodes";
        }

        if (!new PlanDraft(Ledger).Accepts(node, to))
        {
            return $"the rules do not let it into {move.To}";
        }

        return to.Load + 1 > to.HardLimit || to.Committed + 1 > to.HardLimit + PromisedIn(node, to) ? $"{move.To} is full" : null;
    }

    private int PromisedIn(PlacedNode node, OverlayEntry to) => Ledger.Policy.GroupsOf(Ledger.ApplicantOf(node))
        .Any(membership => Ledger.Group(membership.Id) is { Promise: > 0 } group && ReferenceEquals(group.Lives, to)) ? 1 : 0;

    private async Task Start(string plan, string identity, string from, string to)
    {
        foreach (var membership in Ledger.Policy.GroupsOf(Ledger.ApplicantOf(Ledger.Node(identity)!)))
        {
            if (Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required && Ledger.Homings.GetValueOrDefault(membership.Id) != to)
            {
                _ = history.Record(new PlacementChange.GroupHomed(membership.Id, to));
            }
        }

        var hold = new Reservation(to, Reservation.ForPlan, history.Now + history.Options.LeaseLifetime, false, plan);
        try
        {
            // Reserved and stored before the node is told: when it comes to enrol, the place is there.
            await history.Record(new PlacementChange.NodeChanged(Ledger.Node(identity)! with { Held = hold }));
        }
#pragma warning disable CA1031 // Stored or not is unknown: it was not told, and the lease ends.
        catch (Exception)
#pragma warning restore CA1031
        {
            return;
        }

        await Tell(plan, identity, from, to);
    }

    private async Task Tell(string plan, string identity, string from, string to)
    {
        // Given back while it was stored: the plan ended.
        if (Ledger.Node(identity)?.Held?.Plan != plan)
        {
            return;
        }

        try
        {
            using var deadline = new CancellationTokenSource(TellDeadline);
            var answer = await requests.AskAsync(identity, from, $"moves to {to} by plan {plan}", deadline.Token);
            if (answer != ReprovisionAnswer.Coming && Ledger.Node(identity) is { Held.Attempt: Reservation.ForPlan } unmoved)
            {
                // Settle sees that the place is gone and counts the failure.
                await history.Record(new PlacementChange.NodeChanged(unmoved with { Held = null }));
            }
        }
#pragma warning disable CA1031 // Told or not is unknown: if it was, the node comes and finds its place; if not, the lease ends.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    // Counts those whose move ended. Without a plan it only forgets them: the plan they belonged to is over.
    private PlanProgress? Settle(PlanProgress? plan)
    {
        foreach (var (identity, to) in onTheirWay.ToArray())
        {
            var node = Ledger.Node(identity);
            if (node?.LiveHold is not null)
            {
                continue;
            }

            onTheirWay.Remove(identity);
            var isThere = node?.Home == to;
            brake.Note(failed: !isThere);
            meter.Moved(isThere ? "moved" : "failed");
            plan = plan is null ? null
                : isThere ? plan with { Moved = plan.Moved + 1 }
                : Report(plan with { Failed = plan.Failed + 1 }, $"{identity} failed: {WhyNot(node)}");
        }

        return plan;
    }

    private static string WhyNot(PlacedNode? node) =>
        node?.Held is { Lapsed: true } ? "it did not arrive in time" : "it was not willing, or went elsewhere";

    private PlanProgress Finish(PlanProgress plan, DateTimeOffset now)
    {
        history.EndHomings();
        var left = plan.Overlay.Length > 0 ? Ledger.Overlay(plan.Overlay)!.Load : 0;
        if (plan.Kind == PlanKind.Retire && left == 0)
        {
            _ = history.Record(new PlacementChange.OverlaySet(plan.Overlay, OverlayState.Retired, $"plan {plan.Id}", now));
        }

        open = null;
        var reason = left > 0 ? $"{left} nodes are left in {plan.Overlay}: make another plan for them" : "";
        return plan with { Stage = PlanStage.Done, Reason = reason, ChangedAt = now };
    }

    private static PlanProgress Report(PlanProgress plan, string report) =>
        plan with { Reports = [.. plan.Reports.TakeLast(ReportsMax - 1), report] };
}

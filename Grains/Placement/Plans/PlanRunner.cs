// Over 400 lines: who is on the way, who was told and how far a plan is change together, and a crash may come between any two.
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>Makes, keeps and runs the plans of a region.</summary>
/// <remarks>
/// The ledger says who is on the way: a node with a place held for the plan. So after a crash the runner finds its moves again and tells
/// their nodes again: one that was told twice enrols once.
/// </remarks>
internal sealed class PlanRunner(
    StoredRegion history, Func<string, OverlayCopy?> copyOf, NodeSites nodes, PlacementMeter meter)
{
    private const int ReportsMax = 100;
    private static readonly TimeSpan TellDeadline = TimeSpan.FromSeconds(60);

    /// <summary>Between two tries to tell a node whose owner did not answer: one that was told twice enrols once.</summary>
    private static readonly TimeSpan TellDelay = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, string> onTheirWay = new(StringComparer.Ordinal);

    /// <summary>Nodes that may not have been told, and when they are told again.</summary>
    private readonly Dictionary<string, DateTimeOffset> toTell = new(StringComparer.Ordinal);
    private readonly List<Task> reserving = [];
    private readonly Brake moves = PlanBrakes.OfMoves();
    private readonly Brake enrolments = PlanBrakes.OfEnrolments();
    private PlacementPlan? open;
    private string? current;
    private RateLimiter? rate;

    private RegionState Ledger => history.Ledger;

    public async Task<PlanOutcome> Create(PlanRequest request, string actor)
    {
        var isOfOverlay = request.Kind is PlanKind.Drain or PlanKind.Retire;
        if (isOfOverlay && Ledger.Overlay(request.Overlay) is null)
        {
            return new PlanOutcome.Refused(PlanRefusal.UnknownOverlay, $"the region has no overlay '{request.Overlay}'");
        }

        if (isOfOverlay && !Ledger.Overlay(request.Overlay)!.IsListed)
        {
            return new PlanOutcome.Refused(
                PlanRefusal.NothingToMove, $"{request.Overlay} does not answer, and it is not known who lives there");
        }

        var id = $"{request.Kind.ToString().ToLowerInvariant()}-{Ledger.Plans.Count + 1}";
        var plan = PlanMaker.Make(Ledger, request.Kind, isOfOverlay ? Ledger.Overlay(request.Overlay) : null)
            .Finish(id, request with { Overlay = isOfOverlay ? request.Overlay : "" }, actor, history.Now);
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

        var progress = new PlanProgress(id, plan.Kind, plan.Overlay, stage, "", actor, history.Now, plan.Nodes, 0, 0, 0, 0, 0, []);
        await history.Record(new PlacementChange.PlanChanged(progress));
        return new PlanOutcome.Accepted(progress);
    }

    public async Task<PlanOutcome> Command(string id, PlanCommand command, string actor, string reason = "")
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

        moves.Release();
        enrolments.Release();
        var why = $"{command} by {actor}{(reason.Length > 0 ? $": {reason}" : "")}";
        var changed = plan with { Stage = wanted, Actor = actor, Reason = why, ChangedAt = history.Now };
        var stored = history.Record(new PlacementChange.PlanChanged(changed));
        if (wanted == PlanStage.Aborted)
        {
            history.EndHomings();
        }

        await stored;
        return new PlanOutcome.Accepted(changed);
    }

    /// <summary>Hears how the place of an enrolment ended, whoever it was for.</summary>
    public void NoteArrival(bool failed)
    {
        if (Ledger.Plans.Running is not null)
        {
            enrolments.Add(history.Now, failed ? 1 : 0, failed ? 0 : 1);
        }
    }

    /// <summary>Another overlay is the leader: what is on its way arrives there.</summary>
    public void Drop()
    {
        onTheirWay.Clear();
        (open, current) = (null, null);
    }

    /// <summary>Finds the moves that were under way when an overlay was listed anew, perhaps before their nodes were told.</summary>
    public void Restore()
    {
        foreach (var node in Ledger.Planned.Select(Ledger.Node).OfType<PlacedNode>().ToArray())
        {
            if (node.LiveHold is not { Plan: not null } hold
                || (onTheirWay.ContainsKey(node.Identity)
                    && toTell.GetValueOrDefault(node.Identity, DateTimeOffset.MaxValue) > history.Now))
            {
                continue;
            }

            var stage = Ledger.Plans.Find(hold.Plan)?.Stage;
            if (!hold.IsTaken && stage is not (PlanStage.Approved or PlanStage.Running or PlanStage.Paused))
            {
                // Of a plan that ended, perhaps with the leader before.
                GiveBack(hold.Overlay, node.Identity).Ignore();
                continue;
            }

            toTell.Remove(node.Identity);
            onTheirWay[node.Identity] = hold.Overlay;
            current = hold.Plan;
            if (!hold.IsTaken && stage != PlanStage.Paused)
            {
                Tell(hold.Plan, node.Identity, node.Home ?? "", hold.Overlay).Ignore();
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
        var isOpenedNow = open?.Id != plan.Id;
        if (isOpenedNow)
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
        plan = Settle(isOpenedNow ? Recount(plan) : plan)!;
        current = plan.Id;
        if (PlanBrakes.Reason(moves, enrolments, now) is { } reason)
        {
            plan = plan with { Stage = PlanStage.Paused, Reason = reason, ChangedAt = now };
        }
        else if (Ledger.Policy.Rebalance.Window?.Contains(now) != false)
        {
            plan = Begin(plan, now);
            Close(plan);
            plan = Send(plan, now);
            plan = plan.NextMove >= open!.Moves.Count && onTheirWay.Count == 0 ? Finish(plan, now) : plan;

            // Reserved before it is recorded that they were sent: otherwise nobody would send them after this silo died in between.
            await Task.WhenAll(reserving);
            reserving.Clear();
            if (Ledger.Plans.Find(plan.Id) is { } commanded && !ReferenceEquals(commanded, before))
            {
                plan = plan with
                {
                    Stage = commanded.Stage, Actor = commanded.Actor, Reason = commanded.Reason, ChangedAt = commanded.ChangedAt,
                };
            }
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

        rate = null;
        return plan with { Stage = PlanStage.Running, ChangedAt = now };
    }

    // From here on the overlay takes nobody, and who comes back to it is placed elsewhere.
    private void Close(PlanProgress plan)
    {
        if (plan.Overlay.Length > 0
            && Ledger.Overlay(plan.Overlay) is { State: OverlayState.Active or OverlayState.Cordoned } emptied)
        {
            emptied.Decided = (OverlayState.Draining, $"plan {plan.Id}");
            copyOf(plan.Overlay)?.SetStateAsync(OverlayState.Draining, $"plan {plan.Id}").Ignore();
        }
    }

    private PlanProgress Send(PlanProgress plan, DateTimeOffset now)
    {
        var rule = Ledger.Policy.Rebalance;
        var limit = new RateLimit(rule.MaxMovesPerMinute, Burst: TimeSpan.FromMinutes(1));
        rate ??= new RateLimiter(limit, takenUntil: now + limit.Interval);
        rate.Limit = limit;
        while (plan.NextMove < open!.Moves.Count)
        {
            var move = open.Moves[plan.NextMove];
            if (plan.NextNode >= move.Identities.Count)
            {
                plan = plan with { NextMove = plan.NextMove + 1, NextNode = 0 };
                continue;
            }

            if (new[] { move.From, move.To }.FirstOrDefault(IsAway) is { } away)
            {
                // Cut off is not gone: what is planned waits for it, until an operator ends the plan.
                return plan with { Reason = WaitingFor(away) };
            }

            plan = plan.Reason == WaitingFor(move.From) || plan.Reason == WaitingFor(move.To) ? plan with { Reason = "" } : plan;
            var identity = move.Identities[plan.NextNode];
            var isReserved = onTheirWay.ContainsKey(identity);
            if (!isReserved && (onTheirWay.Count >= rule.MovesInFlightMax || rate.WaitFor(now) > TimeSpan.Zero))
            {
                break;
            }

            plan = plan with { NextNode = plan.NextNode + 1 };
            if (isReserved)
            {
                // By an activation that ended before it recorded so.
                continue;
            }

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
                rate.Take(now);
                onTheirWay[identity] = move.To;
                reserving.Add(Start(plan.Id, identity, move.From, move.To));
            }
        }

        return plan;
    }

    private bool IsAway(string overlay) => Ledger.Overlay(overlay) is { IsCutOff: true };

    private static string WaitingFor(string overlay) => $"waits for {overlay}, which does not answer";

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
        var hold = new Reservation(to, history.Now + history.Options.LeaseLifetime, false, plan) { Decided = Ledger.Stamp(history.Now) };
        try
        {
            HomeGroups(identity, to);

            // Reserved and stored before the node is told: when it comes to enrol, the place is there.
            if (copyOf(to) is not { } target || await target.ReserveAsync(Ledger.Node(identity)! with { Held = hold }) is not null)
            {
                return;
            }
        }
#pragma warning disable CA1031 // Stored or not is unknown: if it was, the overlay lists it, and the node is told then.
        catch (Exception)
#pragma warning restore CA1031
        {
            toTell[identity] = history.Now + TellDelay;
            return;
        }

        Tell(plan, identity, from, to).Ignore();
    }

    private void HomeGroups(string identity, string to)
    {
        foreach (var membership in Ledger.Policy.GroupsOf(Ledger.ApplicantOf(Ledger.Node(identity)!)))
        {
            if (Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required && Ledger.Homings.GetValueOrDefault(membership.Id) != to)
            {
                _ = history.Record(new PlacementChange.GroupHomed(membership.Id, to));
            }
        }
    }

    private async Task Tell(string plan, string identity, string from, string to)
    {
        toTell.Remove(identity);

        // Given back while it was stored: the plan ended.
        if (Ledger.Node(identity)?.Held?.Plan != plan)
        {
            return;
        }

        try
        {
            using var deadline = new CancellationTokenSource(TellDeadline);
            if (!await nodes.ReprovisionAsync(from, identity, $"moves to {to} by plan {plan}", deadline.Token))
            {
                // Settle sees that the place is gone and counts the failure.
                await GiveBack(to, identity);
            }
        }
#pragma warning disable CA1031 // Told or not is unknown: if it was, the node comes and finds its place; if not, it is told again.
        catch (Exception)
#pragma warning restore CA1031
        {
            toTell[identity] = history.Now + TellDelay;
        }
    }

    private Task GiveBack(string overlay, string identity) =>
        Ledger.Node(identity) is { Held.IsTaken: false } && copyOf(overlay) is { } copy ? copy.GiveBackAsync(identity) : Task.CompletedTask;

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
            toTell.Remove(identity);
            var isThere = node?.Home == to;
            moves.Add(history.Now, isThere ? 0 : 1, isThere ? 1 : 0);
            meter.Moved(isThere ? "moved" : "failed");
            plan = plan is null ? null
                : isThere ? plan with { Moved = plan.Moved + 1 }
                : Report(plan with { Failed = plan.Failed + 1 }, $"{identity} failed: {WhyNot(node)}");
        }

        return plan;
    }

    // Who arrived while no activation looked on.
    private PlanProgress Recount(PlanProgress plan)
    {
        var sent = open!.Moves.Take(plan.NextMove + 1)
            .SelectMany((move, number) => move.Identities.Take(number < plan.NextMove ? int.MaxValue : plan.NextNode)
                .Select(identity => (Identity: identity, move.To))).ToArray();
        var arrived = sent.Count(move => Ledger.Node(move.Identity) is { LiveHold: null } node && node.Home == move.To);
        var moved = Math.Min(arrived, sent.Length - plan.Skipped - plan.Failed);
        return moved > plan.Moved ? plan with { Moved = moved } : plan;
    }

    private static string WhyNot(PlacedNode? node) =>
        node?.Held is { Lapsed: true } ? "it did not arrive in time" : "it was not willing, or went elsewhere";

    private PlanProgress Finish(PlanProgress plan, DateTimeOffset now)
    {
        history.EndHomings();
        var left = plan.Overlay.Length > 0 ? Ledger.Overlay(plan.Overlay)!.Load : 0;
        if (plan.Kind == PlanKind.Retire && left == 0)
        {
            _ = history.Record(new PlacementChange.OverlaySet(plan.Overlay, OverlayState.Retired, $"plan {plan.Id}"));
        }

        open = null;
        var reason = left > 0 ? $"{left} nodes are left in {plan.Overlay}: make another plan for them" : "";
        return plan with { Stage = PlanStage.Done, Reason = reason, ChangedAt = now };
    }

    private static PlanProgress Report(PlanProgress plan, string report) =>
        plan with { Reports = [.. plan.Reports.TakeLast(ReportsMax - 1), report] };
}

using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Jobs;

namespace ControlPlane.Placement.Plans;

/// <summary>Makes and keeps the plans of a region. A plan that is approved is carried out by a job, whose progress is the plan's.</summary>
/// <remarks>
/// A plan's stage is what somebody wants of it, and is stored before its job is told; each round brings the two together. The id of the job
/// follows from the plan: whatever ends the silo, the job is submitted once and found again.
/// </remarks>
/// <param name="history">The region.</param>
/// <param name="region">Its name.</param>
/// <param name="moves">Where the job's parts ask for its nodes, and for their places.</param>
/// <param name="jobOf">The jobs of this site.</param>
/// <param name="listAll">Asks all overlays what changed.</param>
/// <param name="meter">Counts moves that ended.</param>
internal sealed class RegionPlans(
    StoredRegion history, string region, PlanMoves moves, Func<string, IJobGrain> jobOf, Func<Task> listAll, PlacementMeter meter)
{
    private static readonly TargetState[] Reported =
        [TargetState.Skipped, TargetState.Failed, TargetState.Rejected, TargetState.TimedOut];

    /// <summary>Too many enrolments of the region fail, moves or not: a plan may be innocent, and still must not go on.</summary>
    private static readonly BrakeRule Enrolled = new(ShareMax: 0.2) { SampleMin = 20, LastMax = 50 };

    private readonly Brake enrolments = new(() => Enrolled);

    // Plans that are over, whose jobs are known to have ended.
    private readonly HashSet<string> settled = new(StringComparer.Ordinal);
    private Task following = Task.CompletedTask;

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
        var stage = Ledger.Policy.Rebalance.ApprovalRequired || Ledger.Plans.Running is not null ? PlanStage.Draft : PlanStage.Approved;
        var job = PlanJob.IdOf(plan, region, history.Options.Local);
        var progress = new PlanProgress(id, plan.Kind, plan.Overlay, stage, "", actor, history.Now, plan.Nodes, job, 0, 0, 0, 0, []);
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

        enrolments.Release();
        var why = $"{command} by {actor}{(reason.Length > 0 ? $": {reason}" : "")}";
        var changed = plan with { Stage = wanted, Actor = actor, Reason = why, ChangedAt = history.Now };
        await Record(plan, changed);

        // Its job is told now if it can be told, and in a round if not.
        await FollowAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
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

    /// <summary>Brings plans and their jobs together. One who asks meanwhile waits for the same.</summary>
    public Task FollowAsync() => following.IsCompleted ? following = FollowAllAsync() : following;

    /// <summary>As the leader: what was held for plans that are over is free.</summary>
    public void GiveBackWhatIsLeft() => moves.GiveBackWhatIsLeft(settled);

    private async Task FollowAllAsync()
    {
        // Jobs are submitted and told as the region, whoever approved or paused the plan.
        CallerContext.Current = Caller.System;
        var last = enrolments.Count(history.Now);
        if (Ledger.Plans.Running is { } running && Enrolled.Stops(last.Failed, last.Of))
        {
            var reason = $"brake: {last.Failed} of the last {last.Of} enrolments of the region failed";
            await Record(running, running with { Stage = PlanStage.Paused, Reason = reason, ChangedAt = history.Now });
        }

        await Task.WhenAll(
            Ledger.Plans.Plans.Where(plan => plan.Stage != PlanStage.Draft && !settled.Contains(plan.Id)).Select(FollowAsync));
    }

    private async Task FollowAsync(PlanProgress plan)
    {
        var job = jobOf(plan.Job);
        var seen = await job.Get();
        seen = (plan.Stage, seen) switch
        {
            (PlanStage.Approved, { State: JobState.Paused }) => SeenAfter(await job.Resume(plan.Reason), seen),
            (PlanStage.Paused, { EndedAt: null, State: not JobState.Paused }) => SeenAfter(await job.Pause(plan.Reason), seen),
            (PlanStage.Aborted, { EndedAt: null }) => SeenAfter(await job.Abort(plan.Reason), seen),
            _ => seen,
        };
        var next = (plan.Stage, seen) switch
        {
            (PlanStage.Approved, null) => await SubmitAsync(plan, job),
            (_, null) => plan,
            _ => await FinishAsync(await ReportAsync(PlanJob.Follow(plan, seen, history.Now), plan, job), plan),
        };
        await Record(plan, next);

        // Nodes that were on their way when it was aborted still arrive, and are counted.
        if (plan.Stage is PlanStage.Done or PlanStage.Aborted && (seen is null || PlanJob.IsSettled(seen)))
        {
            settled.Add(plan.Id);
        }
    }

    private async Task<PlanProgress> SubmitAsync(PlanProgress plan, IJobGrain job)
    {
        if (await history.Plans.ReadAsync(plan.Id) is not { } made)
        {
            return plan with
            {
                Stage = PlanStage.Aborted, Reason = "its moves are not in the store any more: make another plan", ChangedAt = history.Now,
            };
        }

        // A job leaves out who does not say in time which nodes it has; what is planned waits.
        var spec = PlanJob.SpecOf(made, region, Ledger.Policy.Rebalance, history.Options.LeaseLifetime);
        if (spec.Targets.Overlays.FirstOrDefault(overlay => Ledger.Overlay(overlay) is { IsCutOff: true }) is { } away)
        {
            return WithReason(plan, PlanMoves.WaitingFor(away));
        }

        return await job.Submit(spec) switch
        {
            JobOutcome.Refused { Refusal: JobRefusal.InvalidSpec } never => plan with
            {
                Stage = PlanStage.Aborted, Reason = string.Join("; ", never.Faults), ChangedAt = history.Now,
            },
            JobOutcome.Refused later => WithReason(plan, string.Join("; ", later.Faults)),
            _ => plan,
        };
    }

    private static async Task<PlanProgress> ReportAsync(PlanProgress next, PlanProgress before, IJobGrain job)
    {
        if ((next.Skipped, next.Failed) == (before.Skipped, before.Failed) || before.Reports.Count >= PlanJob.ReportsMax)
        {
            return next;
        }

        var page = await job.ListResults(Reported, null, PlanJob.ReportsMax);
        return next with { Reports = [.. page.Results.Select(PlanJob.ReportOf)] };
    }

    private async Task<PlanProgress> FinishAsync(PlanProgress plan, PlanProgress before)
    {
        if (plan.Stage != PlanStage.Done || plan.Stage == before.Stage || plan.Overlay.Length == 0)
        {
            return plan;
        }

        // Nodes know of their arrival before the copies here do.
        await listAll();
        var left = Ledger.Overlay(plan.Overlay)!.Load;
        return left == 0 ? plan : plan with { Reason = $"{left} nodes are left in {plan.Overlay}: make another plan for them" };
    }

    // Unless somebody told the plan something else meanwhile: then the next round looks again.
    private async Task Record(PlanProgress before, PlanProgress next)
    {
        if (next == before || !ReferenceEquals(Ledger.Plans.Find(before.Id), before))
        {
            return;
        }

        var isOver = next.Stage is PlanStage.Done or PlanStage.Aborted && next.Stage != before.Stage;
        if (isOver)
        {
            history.EndHomings();
        }

        if (isOver && next is { Stage: PlanStage.Done, Kind: PlanKind.Retire, Reason: "" })
        {
            _ = history.Record(new PlacementChange.OverlaySet(next.Overlay, OverlayState.Retired, $"plan {next.Id}"));
        }

        meter.Moved("moved", next.Moved - before.Moved);
        meter.Moved("skipped", next.Skipped - before.Skipped);
        meter.Moved("failed", next.Failed - before.Failed);
        await history.Record(new PlacementChange.PlanChanged(next));
    }

    private static PlanProgress WithReason(PlanProgress plan, string reason) =>
        plan.Reason == reason ? plan : plan with { Reason = reason };

    // One that cannot be told so now, since it has not begun, is told again.
    private static JobSnapshot SeenAfter(JobOutcome outcome, JobSnapshot before) =>
        outcome is JobOutcome.Accepted { Job: var job } ? job : before;
}

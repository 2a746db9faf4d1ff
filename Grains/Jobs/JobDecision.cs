namespace ControlPlane.Jobs;

/// <summary>What a job does next, from how it stands. Pure: the same record, facts and time give the same answer.</summary>
internal static class JobDecision
{
    /// <summary>A job takes a few steps at a time: from one stage to the next there are four.</summary>
    private const int StepsMax = 100;

    /// <summary>The record after everything that is due; the same one when nothing is.</summary>
    public static JobRecord Next(JobRecord job, JobFacts facts) => Next(job, job, facts);

    /// <summary>
    /// The record after a change and everything that is due then, of a higher version and with the events that others are to be told of;
    /// the one before when nothing changes.
    /// </summary>
    public static JobRecord Next(JobRecord before, JobRecord changed, JobFacts facts)
    {
        var next = Allotments.Allot(changed).WithEvents(before, facts.Now);
        for (var steps = 0; steps < StepsMax; steps++)
        {
            var stepped = Allotments.Allot(Step(next.Spec is null ? next : next.WithLost(facts.Now), facts));
            if (ReferenceEquals(stepped, next))
            {
                break;
            }

            next = stepped.WithEvents(next, facts.Now);
        }

        return ReferenceEquals(next, before) ? before
            : next.Version > before.Version ? next
            : next with { Version = before.Version + 1 };
    }

    public static JobRecord End(this JobRecord job, JobState state, string reason, DateTimeOffset now) =>
        job with { State = state, Reason = reason, EndedAt = now };

    /// <summary>Begins a stage, the one after that which is done.</summary>
    public static JobRecord BeginStage(this JobRecord job, int stage, DateTimeOffset now) => job with
    {
        State = JobState.Running,
        Stage = stage,
        StageBegunAt = now,
        StageDoneAt = null,
        Reason = "",
        Question = null,
    };

    public static JobRecord Pause(this JobRecord job, string reason) =>
        job with { State = JobState.Paused, PausedFrom = job.State, Reason = reason };

    private static JobRecord Step(JobRecord job, JobFacts facts) => job.State switch
    {
        _ when job.Spec is null || job.IsEnded => job,
        _ when job.StartedAt + job.Spec.Timeouts.Job <= facts.Now =>
            job.End(JobState.Aborted, $"it took longer than timeouts.job, {job.Spec.Timeouts.Job}", facts.Now),
        JobState.Preparing => Prepare(job, job.Spec, facts),
        JobState.AwaitingApproval when job.ApprovedBy is not null => job with { State = JobState.Waiting, Reason = "" },
        JobState.Waiting => Wait(job, job.Spec, facts, isFresh: false),
        JobState.Running => Run(job, job.Spec, facts.Now),
        JobState.Baking when job.StageDoneAt + job.Spec.Stages[job.Stage].Bake <= facts.Now =>
            JobGates.Reach(job, job.Spec.Stages[job.Stage], facts.Now),
        JobState.AtGate when facts.Gate is { } answer => JobGates.Follow(job, job.Spec.Stages[job.Stage], answer, facts),
        _ => job,
    };

    private static JobRecord Prepare(JobRecord job, JobSpec spec, JobFacts facts)
    {
        if (job.Overlays.FirstOrDefault(share => share.Report?.Fault is not null) is { } refusing)
        {
            return job.End(JobState.Failed, $"{refusing.Overlay}: {refusing.Report!.Fault}", facts.Now);
        }

        var unheard = job.Overlays.Where(share => !share.IsLeftOut && !job.IsPrepared(share)).ToArray();
        if (unheard.Length > 0)
        {
            // An overlay that is cut off now does not hold the others up; what it has is not worked on.
            var late = unheard.Where(share => share.IsLost).ToArray();
            return late.Length == 0 ? job : job with
            {
                Overlays = [.. job.Overlays.Select(share => late.Contains(share) ? share with
                {
                    IsLeftOut = true, PausedBecause = "it did not say in time which nodes it has, and is left out",
                } : share)],
            };
        }

        var targets = job.Overlays.Where(share => !share.IsLeftOut).Sum(share => share.Targets);
        var most = Math.Min(spec.Targets.Max ?? int.MaxValue, spec.Targets.Plan is null ? facts.Options.TargetsMax : int.MaxValue);
        if (targets > most)
        {
            return job.End(JobState.Failed, $"{targets} nodes are meant, more than the {most} that it may be", facts.Now);
        }

        // A plan was approved itself, or need not be.
        var mustBeApproved = targets > 0 && spec.Targets.Plan is null
            && (spec.RequiresApproval || targets > facts.Options.ApproveAbove || facts.Options.MustApprove(spec.Action));
        return mustBeApproved && job.ApprovedBy is null
            ? job with
            {
                State = JobState.AwaitingApproval, Reason = $"{targets} nodes; somebody else than {job.Submitter.Principal} must approve it",
            }
            : Wait(job with { State = JobState.Waiting, Reason = "" }, spec, facts, isFresh: true);
    }

    private static JobRecord Wait(JobRecord job, JobSpec spec, JobFacts facts, bool isFresh)
    {
        if (!job.IsDue && spec.StartAt > facts.Now)
        {
            return WithReason(job, $"starts at {spec.StartAt:u}");
        }

        foreach (var before in job.IsDue ? [] : spec.After)
        {
            switch (facts.After.GetValueOrDefault(before))
            {
                case JobState.Completed:
                    break;
                case JobState.Aborted or JobState.Failed:
                    return job.End(JobState.Aborted, $"the job {before}, which it comes after, did not complete", facts.Now);
                default:
                    return WithReason(job, $"waits for the job {before}");
            }
        }

        // Its targets are those that there are when it starts, not those that were meant when it was submitted or approved.
        return isFresh ? Start(job, spec, facts) : job with
        {
            State = JobState.Preparing,
            Reason = "",
            Preparation = job.Preparation + 1,
            IsDue = true,
            Overlays = [.. job.Overlays.Select(share => share with
            {
                IsLeftOut = false, PausedBecause = null, AwaySince = null, IsLost = false,
            })],
        };
    }

    private static JobRecord Start(JobRecord job, JobSpec spec, JobFacts facts)
    {
        var targets = job.Overlays.Where(share => !share.IsLeftOut)
            .ToDictionary(share => share.Overlay, share => share.Targets, StringComparer.Ordinal);
        if (targets.Values.Sum() == 0)
        {
            return job.End(JobState.Completed, "no enrolled node is meant", facts.Now) with { NotFound = NotFound(spec.Targets, 0) };
        }

        var ends = StageSizes.Ends(spec.Stages, targets);
        return job.BeginStage(0, facts.Now) with
        {
            StartedAt = facts.Now,
            NotFound = NotFound(spec.Targets, targets.Values.Sum()),
            Overlays = [.. job.Overlays.Select(share => share with { Ends = ends.GetValueOrDefault(share.Overlay) ?? [] })],
        };
    }

    private static JobRecord Run(JobRecord job, JobSpec spec, DateTimeOffset now)
    {
        job = job.StageBegunAt is null ? job with { StageBegunAt = now } : job;
        for (var number = 0; number < spec.Thresholds.Count; number++)
        {
            var judged = Judge(job, spec.Thresholds[number], now);
            if (!ReferenceEquals(judged, job))
            {
                return judged;
            }
        }

        if (job.StageBegunAt + spec.Timeouts.Stage <= now)
        {
            return job.Pause($"the stage {spec.Stages[job.Stage].Name} took longer than timeouts.stage, {spec.Timeouts.Stage}");
        }

        if (job.Overlays.Any(share => !IsDone(job, share)))
        {
            return job;
        }

        return job.Stage == spec.Stages.Count - 1
            ? job.End(JobState.Completed, WhatIsMissing(job), now)
            : job with { State = JobState.Baking, StageDoneAt = now };
    }

    private static string WhatIsMissing(JobRecord job)
    {
        string[] missing = [.. job.Overlays.Where(share => share.IsLeftOut || share.IsLost).Select(share => share.Overlay)];
        return string.Join("; ", new[]
        {
            missing.Length == 0 ? "" : $"without what became of it in {string.Join(", ", missing)}, which did not answer in time",
            job.NotFound == 0 ? "" : $"without {job.NotFound} of the nodes that it names, which are not enrolled",
        }.Where(one => one.Length > 0));
    }

    private static int NotFound(JobTargets targets, int found) => targets.Identities.Count == 0 ? 0
        : targets.Identities.Except(targets.Exclude, StringComparer.Ordinal).Count() - found;

    // Its part of the stage is done, or it is cut off for longer than the job waits for what is unknown.
    private static bool IsDone(JobRecord job, OverlayShare share) =>
        share.IsLeftOut
        || (share.PausedBecause is null
            && (share.Allotment.Ends[job.Stage] == (job.Stage == 0 ? 0 : share.Allotment.Ends[job.Stage - 1]) || Allotments.HasDone(share)
                || share.IsLost));

    private static JobRecord Judge(JobRecord job, JobThreshold threshold, DateTimeOffset now)
    {
        if (threshold.Scope == ThresholdScope.Overlay)
        {
            var firing = job.Overlays.FirstOrDefault(share =>
                share.PausedBecause is null && threshold.Fires(share.Counts, TargetCounts.Sum(share.Before)));
            return firing is null ? job : Follow(job, threshold, firing, Words(threshold, $"in {firing.Overlay}"), now);
        }

        var isOfStage = threshold.Scope == ThresholdScope.Stage;
        var counts = job.Overlays.Select(share => isOfStage ? share.CountsOf(job.Stage) : share.Counts);
        var before = job.Overlays.Select(share => isOfStage ? share.BeforeOf(job.Stage) : TargetCounts.Sum(share.Before));
        var where = isOfStage ? $"in the stage {job.Spec!.Stages[job.Stage].Name}" : "in the job";
        return threshold.Fires(TargetCounts.Sum(counts), TargetCounts.Sum(before))
            ? Follow(job, threshold, null, Words(threshold, where), now)
            : job;
    }

    private static JobRecord Follow(JobRecord job, JobThreshold threshold, OverlayShare? where, string why, DateTimeOffset now) =>
        threshold.Then switch
        {
            ThresholdAction.Abort => job.End(JobState.Aborted, why, now),
            ThresholdAction.PauseOverlay when where is not null => job with
            {
                Overlays = [.. job.Overlays.Select(share => share == where ? share with { PausedBecause = why } : share)],
            },
            _ => job.Pause(why),
        };

    private static string Words(JobThreshold threshold, string where)
    {
        var limit = threshold.Count is { } count ? $"{count}" : $"{threshold.Percent} %";
        return $"the threshold of {limit} {string.Join(" or ", threshold.States).ToLowerInvariant()} was reached {where}";
    }

    private static JobRecord WithReason(JobRecord job, string reason) => job.Reason == reason ? job : job with { Reason = reason };
}

/// <summary>What a job's next step depends on besides its own record.</summary>
/// <param name="Now">The time.</param>
/// <param name="Options">The settings.</param>
internal sealed record JobFacts(DateTimeOffset Now, JobsOptions Options)
{
    /// <summary>How the jobs stand that it comes after; those that are not known are missing.</summary>
    public IReadOnlyDictionary<string, JobState?> After { get; init; } = new Dictionary<string, JobState?>(StringComparer.Ordinal);

    /// <summary>What the web hook of a gate answered just now; null when it was not asked.</summary>
    public GateAnswer? Gate { get; init; }
}

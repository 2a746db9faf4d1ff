using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Jobs;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>The job that carries out a plan, and what its progress says of the plan. Pure.</summary>
internal static class PlanJob
{
    public const int ReportsMax = 100;

    /// <summary>Moves after which something is concluded from how they end.</summary>
    public const int SampleMin = 5;

    /// <summary>More than one in five.</summary>
    private const int FailedPercent = 21;

    private const int DigestCharacters = 8;

    /// <summary>The longest that a job may take.</summary>
    private static readonly TimeSpan LongestJob = TimeSpan.FromDays(30);

    /// <summary>
    /// The same for the same plan, and another for each plan of the region, whichever site leads it: parts of both may be in one overlay.
    /// </summary>
    public static string IdOf(PlacementPlan plan, string region, string site)
    {
        var named = string.Create(CultureInfo.InvariantCulture, $"{region}/{site}/{plan.Id}/{plan.CreatedAt:O}");
        return $"plan-{plan.Id}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(named)))[..DigestCharacters]}";
    }

    /// <summary>
    /// What breaks the few must not be done to the many; and what is cut off is not gone: the job waits for it until the plan is ended.
    /// </summary>
    public static JobSpec SpecOf(PlacementPlan plan, string region, RebalanceRule rule, TimeSpan lease)
    {
        var emptied = plan.Overlay.Length > 0 ? [plan.Overlay] : Array.Empty<string>();
        return new JobSpec(
            new JobAction(JobAction.ControlPlaneAgent, JobAction.Reprovision),
            new JobTargets
            {
                Plan = new JobPlan(region, plan.Id),
                Overlays = [.. plan.Moves.Select(move => move.From).Concat(emptied).Distinct(StringComparer.Ordinal)],
            })
        {
            Reason = $"plan {plan.Id}",
            Stages = [JobStage.All with { Concurrency = rule.MovesInFlightMax, RatePerMinute = rule.MaxMovesPerMinute }],
            Thresholds =
            [
                new JobThreshold(
                    ThresholdScope.Job, [TargetState.Failed, TargetState.Rejected, TargetState.TimedOut], ThresholdAction.Pause)
                {
                    Percent = FailedPercent, MinSample = SampleMin,
                },
            ],

            // A place is held for one lease until its node comes for it, and for another from then on.
            Timeouts = new JobTimeouts { Execution = 2 * lease, Job = LongestJob, UnknownGrace = LongestJob },
            Window = rule.Window is { } window
                ? new JobWindow(window.From, window.To) { Days = window.Day is { } day ? [day] : [], Zone = window.Zone.Id }
                : null,
        };
    }

    /// <summary>The plan, as far as its job is; one that is over stays so, and nodes that are on their way are counted still.</summary>
    public static PlanProgress Follow(PlanProgress plan, JobSnapshot job, DateTimeOffset now)
    {
        var (counts, isEnded) = (job.Counts, job.EndedAt is not null);
        var unknown = counts[TargetState.Unknown];
        var (stage, reason) = (plan.Stage, job.State) switch
        {
            (PlanStage.Done or PlanStage.Aborted, _) => (plan.Stage, plan.Reason),
            (_, JobState.Completed) => (PlanStage.Done, ""),
            (_, JobState.Aborted or JobState.Failed) => (PlanStage.Aborted, job.Reason),

            // Told to pause, perhaps before it could be.
            (PlanStage.Paused, _) => (plan.Stage, plan.Reason),
            (_, JobState.Paused) => (PlanStage.Paused, job.Reason),
            _ => (PlanStage.Running, WhyItWaits(job)),
        };
        return plan with
        {
            Stage = stage,
            Reason = reason,
            ChangedAt = stage == plan.Stage ? plan.ChangedAt : now,
            UnderWay = counts[TargetState.Dispatched] + counts[TargetState.Running] + (isEnded ? 0 : unknown),
            Moved = counts[TargetState.Succeeded],
            Skipped = counts[TargetState.Skipped],
            Failed = counts[TargetState.Failed] + counts[TargetState.Rejected] + counts[TargetState.TimedOut] + (isEnded ? unknown : 0),
        };
    }

    /// <summary>It has ended, and each of its overlays knows that and has nothing under way.</summary>
    public static bool IsSettled(JobSnapshot job) => job.EndedAt is not null
        && job.Counts[TargetState.Pending] + job.Counts[TargetState.Dispatched] + job.Counts[TargetState.Running] == 0;

    public static string ReportOf(JobResult result) =>
        $"{result.Identity} {(result.State == TargetState.Skipped ? "skipped" : "failed")}: {result.Message}";

    private static string WhyItWaits(JobSnapshot job) =>
        job.Reason.Length > 0 ? job.Reason : job.Overlays.FirstOrDefault(overlay => overlay.Reason.Length > 0)?.Reason ?? "";
}

using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>What operators tell a job to do. Pure: each gives the record after it, or why it cannot be done.</summary>
internal static class JobCommand
{
    private static readonly TargetState[] SafeToRetry = [TargetState.Failed, TargetState.Rejected];
    private static readonly TargetState[] AllBad = [.. SafeToRetry, TargetState.TimedOut, TargetState.Unknown];

    /// <summary>What would change it now, if somebody who may asked for it.</summary>
    public static IReadOnlyList<JobVerb> Possible(JobRecord job)
    {
        (JobVerb Verb, CommandVerdict Verdict)[] tried =
        [
            (JobVerb.Pause, Pause(job, "", "")),
            (JobVerb.Resume, Resume(job)),
            (JobVerb.Advance, Advance(job, job.Stage, default)),
            (JobVerb.Retry, Retry(job, [], default)),
            (JobVerb.Abort, Abort(job, "", "", default)),
        ];
        return
        [
            .. job is { State: JobState.AwaitingApproval, ApprovedBy: null } ? [JobVerb.Approve] : Array.Empty<JobVerb>(),
            .. tried.Where(one => one.Verdict.Job is { } after && !ReferenceEquals(after, job)).Select(one => one.Verb),
        ];
    }

    public static CommandVerdict Approve(JobRecord job, string caller, string reason) => job switch
    {
        { ApprovedBy: not null } => new CommandVerdict(job),
        { State: not JobState.AwaitingApproval } => Wrong(job, "it waits for nobody's approval"),
        { Submitter.Principal: var submitter } when !FourEyes.AreMet(submitter, caller) =>
            new CommandVerdict(JobRefusal.SameCaller, $"{caller} submitted it; somebody else must approve it"),
        _ => new CommandVerdict(job with { ApprovedBy = caller, Reason = Said("approved", caller, reason) }),
    };

    public static CommandVerdict Pause(JobRecord job, string caller, string reason) => job.State switch
    {
        JobState.Paused => new CommandVerdict(job),
        JobState.Running or JobState.Baking or JobState.AtGate => new CommandVerdict(job.Pause(Said("paused", caller, reason))),
        _ => Wrong(job, "only a job that has begun can be paused; abort it instead"),
    };

    public static CommandVerdict Resume(JobRecord job)
    {
        if (job.State is not (JobState.Paused or JobState.Running))
        {
            return Wrong(job, "only a paused job can be resumed");
        }

        if (job.State == JobState.Running && job.Overlays.All(share => share.IsLeftOut || share.PausedBecause is null))
        {
            return new CommandVerdict(job);
        }

        return new CommandVerdict(job with
        {
            State = job.State == JobState.Paused ? job.PausedFrom : job.State,
            StageBegunAt = job.State == JobState.Paused ? null : job.StageBegunAt,
            Reason = "",
            Overlays = [.. job.Overlays.Select(share => share.IsLeftOut ? share : share with
            {
                PausedBecause = null, Before = share.Stages,
            })],
        });
    }

    public static CommandVerdict Advance(JobRecord job, int stage, DateTimeOffset now) => job.State switch
    {
        JobState.Baking or JobState.AtGate when job.Stage == stage => new CommandVerdict(job.BeginStage(stage + 1, now)),

        // Its web hook said stop: somebody knows better. Resumed, it would be asked once more.
        JobState.Paused when job is { PausedFrom: JobState.AtGate, Question: not null } && job.Stage == stage =>
            new CommandVerdict(job.BeginStage(stage + 1, now)),
        _ when job.Stage == stage + 1 => new CommandVerdict(job),
        _ => Wrong(job, $"it is not at the end of stage {stage}"),
    };

    public static CommandVerdict Retry(JobRecord job, IReadOnlyList<TargetState> states, DateTimeOffset now)
    {
        if (job.StartedAt is null || job.State is JobState.Aborted or JobState.Failed)
        {
            return Wrong(job, "only a job that has begun and was not aborted can try its targets again");
        }

        if (states.FirstOrDefault(state => !AllBad.Contains(state)) is var other and not TargetState.Pending)
        {
            return new CommandVerdict(JobRefusal.InvalidSpec, $"targets that are {other} are not tried again");
        }

        // Those that may have done it are sent the request again only where that does no harm, or where they are named.
        IReadOnlyList<TargetState> meant = states.Count > 0 ? states : job.Spec!.Action.IsRepeatable ? AllBad : SafeToRetry;
        var again = job with { Retries = job.Retries + 1, RetryStates = meant, Reason = "" };
        return new CommandVerdict(job.State == JobState.Completed
            ? again.BeginStage(job.Stage, now) with { EndedAt = null }
            : again);
    }

    public static CommandVerdict Abort(JobRecord job, string caller, string reason, DateTimeOffset now) => job.IsEnded
        ? new CommandVerdict(job)
        : new CommandVerdict(job.End(JobState.Aborted, Said("aborted", caller, reason), now));

    private static CommandVerdict Wrong(JobRecord job, string detail) =>
        new(JobRefusal.WrongState, $"it is {job.State.ToString().ToLowerInvariant()}: {detail}");

    private static string Said(string done, string caller, string reason) =>
        reason.Length == 0 ? $"{done} by {caller}" : $"{done} by {caller}: {reason}";
}

/// <summary>What came of a command.</summary>
/// <param name="Job">The record after it; the same one when nothing was left to do; null when it was refused.</param>
/// <param name="Refusal">Why it was refused.</param>
/// <param name="Detail">The same in words.</param>
internal sealed record CommandVerdict(JobRecord? Job, JobRefusal Refusal, string Detail)
{
    public CommandVerdict(JobRecord job)
        : this(job, default, "")
    {
    }

    public CommandVerdict(JobRefusal refusal, string detail)
        : this(null, refusal, detail)
    {
    }
}

namespace ControlPlane.Jobs;

/// <summary>A change of a job's state that others are told of: what was so then, since it may be told much later.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobTransition")]
internal sealed record JobTransition(
    [property: Id(0)] JobTransitionKind Kind,
    [property: Id(1)] int Version,
    [property: Id(2)] DateTimeOffset At,
    [property: Id(3)] JobState State,
    [property: Id(4)] string Reason,
    [property: Id(5)] int Stage,
    [property: Id(6)] TargetCounts Counts)
{
    /// <summary>The overlay that it is about; null when it is about the job.</summary>
    [Id(7)]
    public string? Overlay { get; init; }
}

/// <summary>An event and who has not been told of it yet.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobNotice")]
internal sealed record JobNotice([property: Id(0)] JobTransition Event, [property: Id(1)] IReadOnlyList<string> Receivers)
{
    /// <summary>The receiver that stands for NATS: no web hook can have this name.</summary>
    public const string Nats = "NATS";
}

internal enum JobTransitionKind
{
    Submitted = 1,
    AwaitingApproval = 2,
    Started = 3,
    StageDone = 4,
    AtGate = 5,
    StageStarted = 6,
    Paused = 7,
    Resumed = 8,
    Ended = 9,

    /// <summary>Nothing new is begun in one overlay, although the job runs.</summary>
    OverlayPaused = 10,
    OverlayResumed = 11,
}

/// <summary>Which events a job's changes are, and who is still to be told of them. Pure.</summary>
internal static class JobNotices
{
    /// <summary>
    /// The record after a step, with the events that the step is. Of each kind, and overlay, the newest is kept: an older one that nobody
    /// could be told of says less.
    /// </summary>
    public static JobRecord WithEvents(this JobRecord after, JobRecord before, DateTimeOffset now)
    {
        string[] receivers = after.Spec?.Notify is { } notify
            ? [.. notify.WebHooks, .. notify.Nats ? [JobNotice.Nats] : Array.Empty<string>()]
            : [];
        return receivers.Length == 0 ? after : EventsOf(before, after).Aggregate(after, (told, one) =>
        {
            // Each has a version of its own, which is its id.
            var version = told.Version + 1;
            var counts = TargetCounts.Sum(told.Overlays.Select(share => share.Counts));
            var happened = new JobTransition(one.Kind, version, now, told.State, one.Reason, told.Stage, counts) { Overlay = one.Overlay };
            return told with
            {
                Version = version,
                Notices =
                [
                    .. told.Notices.Where(notice => (notice.Event.Kind, notice.Event.Overlay) != (one.Kind, one.Overlay)),
                    new JobNotice(happened, receivers),
                ],
            };
        });
    }

    /// <summary>A receiver was told of events, or they were given up; the same record when it was to be told of none of them.</summary>
    public static JobRecord Told(this JobRecord job, string receiver, IReadOnlyCollection<int> versions)
    {
        var left = job.Notices.Select(notice => versions.Contains(notice.Event.Version) && notice.Receivers.Contains(receiver)
            ? notice with { Receivers = [.. notice.Receivers.Where(other => other != receiver)] }
            : notice).ToArray();
        return left.SequenceEqual(job.Notices, ReferenceEqualityComparer.Instance)
            ? job
            : job with { Notices = [.. left.Where(notice => notice.Receivers.Count > 0)] };
    }

    /// <summary>What a receiver is still to be told, in the order in which it happened.</summary>
    public static IEnumerable<JobTransition> UntoldTo(this JobRecord job, string receiver) =>
        job.Notices.Where(notice => notice.Receivers.Contains(receiver)).Select(notice => notice.Event).OrderBy(one => one.Version);

    private static IEnumerable<(JobTransitionKind Kind, string? Overlay, string Reason)> EventsOf(JobRecord before, JobRecord after)
    {
        if (KindOf(before, after) is { } kind)
        {
            yield return (kind, null, after.Reason);
        }

        foreach (var (was, share) in before.Overlays.Join(after.Overlays, was => was.Overlay, share => share.Overlay, ValueTuple.Create))
        {
            if (share.PausedBecause is { } why && was.PausedBecause is null)
            {
                yield return (JobTransitionKind.OverlayPaused, share.Overlay, why);
            }
            else if (was.PausedBecause is not null && share.PausedBecause is null)
            {
                yield return (JobTransitionKind.OverlayResumed, share.Overlay, "");
            }
        }
    }

    private static JobTransitionKind? KindOf(JobRecord before, JobRecord after) => (before, after) switch
    {
        ({ Spec: null }, _) => JobTransitionKind.Submitted,
        ({ IsEnded: false }, { IsEnded: true }) => JobTransitionKind.Ended,
        ({ StartedAt: null }, { StartedAt: not null }) => JobTransitionKind.Started,
        _ when after.State == before.State => null,
        (_, { State: JobState.AwaitingApproval }) => JobTransitionKind.AwaitingApproval,
        (_, { State: JobState.Paused }) => JobTransitionKind.Paused,
        ({ State: JobState.Paused } or { IsEnded: true }, _) => JobTransitionKind.Resumed,
        (_, { State: JobState.Baking }) => JobTransitionKind.StageDone,
        (_, { State: JobState.AtGate }) => JobTransitionKind.AtGate,
        (_, { State: JobState.Running }) => JobTransitionKind.StageStarted,
        _ => null,
    };
}

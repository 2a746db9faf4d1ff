using System.Globalization;

namespace ControlPlane.Jobs;

/// <summary>What a job's record takes in, and how it is shown. Pure.</summary>
internal static class JobViews
{
    /// <summary>
    /// Named nodes that a record keeps when the job has started and their overlays know them; more would be written with every change.
    /// </summary>
    private const int IdentitiesKept = 1_000;

    /// <summary>An overlay said how its part stands; the same record when that is nothing new.</summary>
    public static JobRecord Heard(this JobRecord job, string overlay, OverlayReport report, DateTimeOffset now) =>
        job.WithShare(overlay, share =>
        {
            var isNews = share.Report is not { } known || IsNewer(report, known);
            return isNews || share.IsAway
                ? share with { Report = isNews ? report : share.Report, HeardAt = now, AwaySince = null, IsLost = false }
                : share;
        }).WithoutKnownIdentities();

    /// <summary>An overlay did not answer.</summary>
    public static JobRecord NotHeard(this JobRecord job, string overlay, DateTimeOffset now) =>
        job.WithShare(overlay, share => share.IsAway ? share : share with { AwaySince = now });

    /// <summary>
    /// Overlays that are away for longer than the job waits for what is unknown are lost; the same record when there are none.
    /// </summary>
    public static JobRecord WithLost(this JobRecord job, DateTimeOffset now) => job.Overlays
        .Where(share => !share.IsLost && share.AwaySince + job.Spec!.Timeouts.UnknownGrace <= now)
        .Aggregate(job, (marked, lost) => marked.WithShare(lost.Overlay, share => share with { IsLost = true }));

    public static JobSnapshot ToSnapshot(this JobRecord job, string id) => new(
        id,
        job.Spec!,
        job.Submitter.Principal,
        job.State,
        job.Reason,
        job.Version,
        job.SubmittedAt,
        job.StartedAt,
        job.EndedAt,
        job.Stage,
        StageCounts(job),
        [.. job.Overlays.Select(share => new JobInOverlay(
            share.Overlay,
            share.Counts,
            ReasonOf(share),
            share.IsAway,
            share.HeardAt) { IsLeftOut = share.IsLeftOut })])
    {
        Verbs = JobCommand.Possible(job),
        NotFound = job.NotFound,
    };

    public static JobSummary ToSummary(this JobRecord job, string id) => new(
        id,
        job.Spec!.Action.Agent,
        job.Spec.Action.Name,
        job.Submitter.Principal,
        job.State,
        job.Reason,
        job.Stage,
        job.Spec.Stages.Count,
        TargetCounts.Sum(job.Overlays.Select(share => share.Counts)),
        job.SubmittedAt,
        job.EndedAt);

    // One that is cut off has not heard of a pause: until it says so, it goes on with what it was given.
    private static string ReasonOf(OverlayShare share)
    {
        var reason = share.PausedBecause ?? share.Report?.Waits ?? "";
        var isUnconfirmed = share is { Allotment: { IsHeld: true, IsEnded: false }, Report: { IsPrepared: true } report }
            && report.Allotment < share.Allotment.Number;
        return isUnconfirmed ? $"{reason}{(reason.Length > 0 ? "; " : "")}it has not confirmed yet that it begins nothing new" : reason;
    }

    // A report that waits for another reason is new as well, though nothing was stored for it.
    private static bool IsNewer(OverlayReport report, OverlayReport known) =>
        (report.Preparation, report.Version).CompareTo((known.Preparation, known.Version)) switch
        {
            > 0 => true,
            0 => (report.IsPrepared && !known.IsPrepared) || report.Waits != known.Waits || report.Fault != known.Fault
                || report.IsSettled != known.IsSettled || report.IsAtRest != known.IsAtRest,
            _ => false,
        };

    private static JobRecord WithShare(this JobRecord job, string overlay, Func<OverlayShare, OverlayShare> change)
    {
        var shares = job.Overlays.Select(share => share.Overlay == overlay ? change(share) : share).ToArray();
        return shares.SequenceEqual(job.Overlays, ReferenceEqualityComparer.Instance) ? job : job with { Overlays = shares };
    }

    private static JobRecord WithoutKnownIdentities(this JobRecord job) =>
        job is { StartedAt: not null, Spec: { Targets.Identities.Count: > IdentitiesKept } spec }
            ? job with { Spec = spec with { Targets = spec.Targets with { Identities = [] } } }
            : job;

    private static TargetCounts[] StageCounts(JobRecord job) => job.StartedAt is null
        ? [TargetCounts.Sum(job.Overlays.Select(share => share.Counts))]
        : [.. Enumerable.Range(0, job.Spec!.Stages.Count).Select(
            stage => TargetCounts.Sum(job.Overlays.Select(share => share.CountsOf(stage))))];
}

/// <summary>Where a page of a job's targets or results begins.</summary>
/// <param name="Overlay">The number of the overlay.</param>
/// <param name="Position">The position within it.</param>
/// <param name="Skip">How much of what lies there was given already.</param>
internal readonly record struct JobCursor(int Overlay, ulong Position, int Skip)
{
    /// <exception cref="FormatException">It is not one of ours.</exception>
    public static JobCursor Read(string? text)
    {
        if (text is null)
        {
            return default;
        }

        return text.Split('.') is [var overlay, var position, var skip]
            && int.TryParse(overlay, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && ulong.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && int.TryParse(skip, NumberStyles.None, CultureInfo.InvariantCulture, out var given)
            ? new JobCursor(number, at, given)
            : throw new FormatException("the cursor is not one that a page of this job gave");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Overlay}.{Position}.{Skip}");
}

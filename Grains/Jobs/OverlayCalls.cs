namespace ControlPlane.Jobs;

/// <summary>
/// Which overlays a job tells what they may do, or asks how they stand, and when. On its grain's scheduler; nothing of it is stored.
/// </summary>
internal sealed class OverlayCalls
{
    /// <summary>One that did not answer, or has not done what it was told, is told the same again after this.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>One that says nothing for so long is asked.</summary>
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Allotment> underWay = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Preparation, int Allotment, DateTimeOffset At)> last = new(StringComparer.Ordinal);

    /// <summary>Whether an overlay is to find its targets, and not to be told what it may do.</summary>
    public static bool IsToPrepare(JobRecord job, OverlayShare share) => job.State == JobState.Preparing && !job.IsPrepared(share);

    /// <summary>Whom to call now.</summary>
    public IEnumerable<OverlayShare> Due(JobRecord job, DateTimeOffset now) => job.Overlays.Where(share => IsDue(job, share, now));

    public void Begin(JobRecord job, OverlayShare share, DateTimeOffset now)
    {
        underWay[share.Overlay] = share.Allotment;
        last[share.Overlay] = (job.Preparation, share.Allotment.Number, now);
    }

    public void End(OverlayShare share)
    {
        if (ReferenceEquals(underWay.GetValueOrDefault(share.Overlay), share.Allotment))
        {
            underWay.Remove(share.Overlay);
        }
    }

    private bool IsDue(JobRecord job, OverlayShare share, DateTimeOffset now)
    {
        if (share.IsLeftOut && !job.IsEnded)
        {
            return false;
        }

        var isNews = IsToPrepare(job, share)
            || (share.Report is { IsPrepared: true } report && report.Allotment < share.Allotment.Number);
        if (underWay.TryGetValue(share.Overlay, out var told))
        {
            // Over a slow link an answer takes seconds: that nothing more is to be begun does not wait for it.
            return isNews && ((share.Allotment.IsHeld && !told.IsHeld) || (share.Allotment.IsEnded && !told.IsEnded));
        }

        var isQuiet = share.Report is { IsPrepared: true } && !Allotments.HasDone(share) && job.StartedAt is not null;

        // What an overlay was told it does by itself, and says so; it is asked again when that does not come.
        var (preparation, allotment, at) = last.GetValueOrDefault(share.Overlay, (-1, -1, DateTimeOffset.MinValue));
        var isTold = preparation == job.Preparation && allotment == share.Allotment.Number;
        return (isNews && (!isTold || now - at >= RetryInterval)) || (isQuiet && now - at >= AskInterval);
    }
}

namespace ControlPlane.Jobs;

/// <summary>What each overlay may do for a job. Pure.</summary>
internal static class Allotments
{
    /// <summary>The record with what its overlays may do now; the same one when nothing changes.</summary>
    public static JobRecord Allot(JobRecord job)
    {
        if (job.Spec is not { } spec || (job.StartedAt is null && !job.IsEnded))
        {
            return job;
        }

        // Those that are done leave their part of the limits to the others.
        var busy = job.Overlays.Where(share => share is { IsLeftOut: false, PausedBecause: null } && !HasDone(share))
            .ToDictionary(share => share.Overlay, share => share.Targets, StringComparer.Ordinal);
        var stage = spec.Stages[job.Stage];
        var room = busy.ToDictionary(
            one => one.Key, one => Math.Min(one.Value, stage.ConcurrencyPerOverlay ?? int.MaxValue), StringComparer.Ordinal);
        var concurrency = ShareOut(stage.Concurrency, room, job.Overlays);
        var rates = stage.RatePerMinute is { } rate ? ShareOut(rate, busy) : null;
        var shares = job.Overlays.Select(share =>
        {
            var wanted = Of(job, share) with
            {
                Concurrency = concurrency.GetValueOrDefault(share.Overlay),
                RatePerMinute = rates?.GetValueOrDefault(share.Overlay),
            };
            return NeedsNew(share, wanted)
                ? share with { Allotment = WithOthers(job, share, wanted), InUseMax = Math.Max(InUse(share), AtOnce(wanted)) }
                : share;
        }).ToArray();
        return shares.SequenceEqual(job.Overlays, ReferenceEqualityComparer.Instance) ? job : job with { Overlays = shares };
    }

    // What is cut off from one overlay is given to another when the one has confirmed it, and its nodes have ended: until then both would
    // work on them.
    private static Dictionary<string, int> ShareOut(int concurrency, Dictionary<string, int> busy, IReadOnlyList<OverlayShare> shares)
    {
        var inUse = shares.ToDictionary(share => share.Overlay, InUse, StringComparer.Ordinal);
        var kept = shares.Where(share => !busy.ContainsKey(share.Overlay)).Sum(share => inUse[share.Overlay]);
        var wanted = StageSizes.Share(Math.Clamp(concurrency - kept, 0, busy.Values.Sum()), busy);
        var free = concurrency - kept - busy.Keys.Sum(overlay => inUse[overlay]);
        foreach (var overlay in wanted.Keys.Where(overlay => wanted[overlay] > inUse[overlay]).Order(StringComparer.Ordinal).ToArray())
        {
            wanted[overlay] = Math.Min(wanted[overlay], inUse[overlay] + Math.Max(0, free));
            free -= wanted[overlay] - inUse[overlay];
        }

        return wanted;
    }

    // A few targets are sent to as fast as many: a rate may be higher than there are targets.
    private static Dictionary<string, int> ShareOut(int rate, Dictionary<string, int> busy)
    {
        var times = (rate / Math.Max(1, busy.Values.Sum())) + 1;
        return StageSizes.Share(rate, busy.ToDictionary(one => one.Key, one => one.Value * times, StringComparer.Ordinal));
    }

    /// <summary>
    /// How many nodes may be at work in an overlay, by what it was told and what it says. None where the job has given it up: its stage
    /// goes on without it.
    /// </summary>
    private static int InUse(OverlayShare share)
    {
        if (share.IsLeftOut || share.IsLost || HasDone(share))
        {
            return 0;
        }

        var underWay = share.Counts[TargetState.Dispatched] + share.Counts[TargetState.Running];
        var isConfirmed = (share.Report?.Allotment ?? 0) == share.Allotment.Number;
        return Math.Max(underWay, isConfirmed ? AtOnce(share.Allotment) : share.InUseMax);
    }

    private static int AtOnce(Allotment allotment) => allotment.IsHeld || allotment.IsEnded ? 0 : allotment.Concurrency;

    /// <summary>Whether an overlay has done what it was allotted.</summary>
    public static bool HasDone(OverlayShare share) =>
        share.Report is { IsAtRest: true } report && report.Allotment == share.Allotment.Number;

    private static Allotment Of(JobRecord job, OverlayShare share) => share.Allotment with
    {
        Ends = job.StartedAt is null ? [] : [.. share.Ends.Take(job.Stage + 1)],
        IsHeld = job.State != JobState.Running || share.PausedBecause is not null,
        IsEnded = job.IsEnded,
        StartedAt = job.StartedAt ?? default,
        Until = (job.StartedAt ?? default) + job.Spec!.Timeouts.Job,
        Retries = job.Retries,
        RetryStates = job.RetryStates,
    };

    private static bool NeedsNew(OverlayShare share, Allotment wanted)
    {
        var has = share.Allotment;
        if (share.IsLeftOut && !wanted.IsEnded)
        {
            return false;
        }

        if (!has.Ends.SequenceEqual(wanted.Ends)
            || (has.IsHeld, has.IsEnded, has.Retries) != (wanted.IsHeld, wanted.IsEnded, wanted.Retries))
        {
            return true;
        }

        // It holds by a threshold that does not hold for what is known by now.
        var isHeldInVain = share.Report is { Fired: not null } report && report.Allotment == has.Number && !wanted.IsHeld;
        return isHeldInVain
            || (!HasDone(share) && !wanted.IsHeld && (has.Concurrency != wanted.Concurrency || has.RatePerMinute != wanted.RatePerMinute));
    }

    private static Allotment WithOthers(JobRecord job, OverlayShare share, Allotment wanted)
    {
        var others = job.Overlays.Where(other => other != share).ToArray();
        return wanted with
        {
            Number = share.Allotment.Number + 1,
            OthersInStage = Less(
                others.Select(other => other.CountsOf(job.Stage)), others.Select(other => other.BeforeOf(job.Stage))),
            OthersInJob = Less(others.Select(other => other.Counts), others.SelectMany(other => other.Before)),
            BeforeInStage = share.BeforeOf(job.Stage),
            BeforeInJob = TargetCounts.Sum(share.Before),
        };
    }

    private static TargetCounts Less(IEnumerable<TargetCounts> counts, IEnumerable<TargetCounts> before)
    {
        var (sum, less) = (TargetCounts.Sum(counts), TargetCounts.Sum(before));
        return new TargetCounts { ByState = [.. sum.ByState.Zip(less.ByState, (all, gone) => all - gone)] };
    }
}

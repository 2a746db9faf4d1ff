using ControlPlane.Flow;

namespace ControlPlane.Jobs;

/// <summary>Chooses which targets are sent the request next, within everything that limits a job in one overlay.</summary>
internal sealed class TargetChoice(OverlayTargets targets, TargetOutcomes outcomes, JobContext context)
{
    /// <summary>How often it is looked at who is heard, and at who waits for that.</summary>
    private static readonly TimeSpan HeardInterval = TimeSpan.FromSeconds(15);

    private IReadOnlySet<string>? heard;
    private DateTimeOffset heardAt;
    private RateLimiter? rate;

    private OverlayJobOrder Order => targets.Order!;

    private JobSpec Spec => Order.Spec;

    private TargetTable Table => outcomes.Table;

    /// <summary>Why nothing may be begun: empty when there is nothing to begin with, null when something may be.</summary>
    public string? WhyNot(Allotment allotment, DateTimeOffset now) => allotment switch
    {
        { IsEnded: true } or { Ends.Count: 0 } => "",
        { IsHeld: true } => "it is held",
        _ when allotment.Until <= now => "the time of the job is over",
        _ when !WindowCheck.IsOpen(Spec.Window, context.ZoneOf(Order.Overlay), now) => "its window is closed",
        _ when FiredOrNull(allotment) is not null => "a threshold is reached",
        _ when Room(allotment) <= 0 || !HasNext(allotment, now) => "",
        _ => null,
    };

    /// <summary>The threshold that is reached here, by its place in the specification; null when none is.</summary>
    public int? FiredOrNull(Allotment allotment)
    {
        if (allotment.Ends.Count == 0 || Spec.Thresholds.Count == 0)
        {
            return null;
        }

        var counts = Table.Counts;
        var stage = TargetCounts.Sum([counts[allotment.Ends.Count - 1], allotment.OthersInStage]);
        var here = TargetCounts.Sum(counts);
        var everywhere = TargetCounts.Sum([here, allotment.OthersInJob]);
        for (var number = 0; number < Spec.Thresholds.Count; number++)
        {
            var threshold = Spec.Thresholds[number];
            if (threshold.Scope switch
            {
                ThresholdScope.Stage => threshold.Fires(stage, allotment.BeforeInStage),
                ThresholdScope.Job => threshold.Fires(everywhere, allotment.BeforeInJob),
                _ => threshold.Fires(here, allotment.BeforeInJob),
            })
            {
                return number;
            }
        }

        return null;
    }

    /// <summary>Takes the next targets. They are dispatched in the table, which is to be stored before anything is sent.</summary>
    public async Task<IReadOnlyList<int>> TakeAsync(Allotment allotment, int room, DateTimeOffset now)
    {
        await FindHeardAsync(now);
        var most = Math.Min(Math.Min(Room(allotment), room), context.SendMax);
        var chosen = new List<int>();
        while (chosen.Count < most && IsWithinRate(allotment, now) && outcomes.Queue.TakeOrNull(allotment.Ends[^1], now) is { } target)
        {
            if (MaySend(target, allotment, now))
            {
                rate?.Take(now);
                Table.Dispatch(target);
                chosen.Add(target);
            }
        }

        return chosen;
    }

    private bool HasNext(Allotment allotment, DateTimeOffset now)
    {
        if (!IsWithinRate(allotment, now) || outcomes.Queue.TakeOrNull(allotment.Ends[^1], now) is not { } next)
        {
            return false;
        }

        outcomes.Queue.PutBack(next);
        return true;
    }

    private int Room(Allotment allotment)
    {
        var stage = allotment.Ends.Count - 1;
        var most = Math.Min(allotment.Concurrency, targets.ConcurrencyMax ?? int.MaxValue);
        if (Spec.Stages[stage].Ramp == JobRamp.Exponential)
        {
            most = Math.Min(most, Table.Counts[stage].Ended + 1);
        }

        return most - outcomes.UnderWay;
    }

    private bool IsWithinRate(Allotment allotment, DateTimeOffset now)
    {
        if (allotment.RatePerMinute is not { } perMinute)
        {
            rate = null;
            return true;
        }

        if (perMinute == 0)
        {
            return false;
        }

        var limit = new RateLimit(perMinute, Burst: TimeSpan.FromSeconds(1));
        rate ??= new RateLimiter(limit, takenUntil: now);
        rate.Limit = limit;
        return rate.WaitFor(now) <= TimeSpan.Zero;
    }

    private async Task FindHeardAsync(DateTimeOffset now)
    {
        if (Spec.Offline.Policy == OfflinePolicy.Try || heardAt + HeardInterval > now)
        {
            return;
        }

        using var patience = new CancellationTokenSource(HeardInterval, context.Time);
        try
        {
            heard = await context.Discovery.FindHeardAsync(Order.Overlay, patience.Token);
            heardAt = now;
        }
        catch (Exception notNow) when (notNow is JobNotReadyException or OperationCanceledException)
        {
            // As it was known last; before that, everybody is asked.
        }
    }

    private bool MaySend(int target, Allotment allotment, DateTimeOffset now)
    {
        if (heard?.Contains(targets.Identities[target]) != false)
        {
            return true;
        }

        if (Spec.Offline.Policy == OfflinePolicy.Wait && allotment.StartedAt + Spec.Offline.Until > now)
        {
            outcomes.Queue.Postpone(target, now + HeardInterval);
        }
        else
        {
            outcomes.LeaveOut(target, Spec.Offline.Policy == OfflinePolicy.Fail ? TargetState.Failed : TargetState.Skipped, now);
        }

        return false;
    }
}

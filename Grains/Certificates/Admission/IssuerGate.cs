namespace ControlPlane.Certificates;

/// <summary>Admits orders to one issuer: so many at once, so many a minute, in order of priority and age, none while it fails.</summary>
/// <remarks>
/// One for each issuer and silo, shared by the grains of all shards. Thread-safe by a lock, which is held for a few hundred
/// nanoseconds and never over an await.
/// </remarks>
internal sealed class IssuerGate : IDisposable
{
    private static readonly TimeSpan BreakForMax = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly string issuer;
    private readonly IssuerOptions options;
    private readonly TimeProvider time;
    private readonly AdmissionQueue queue = new();
    private readonly CircuitBreaker breaker;
    private readonly TokenBucket? bucket;
    private readonly ITimer wake;

    // Waits are counted by a clock of the gate's own, which never steps: one that was set back an hour would hold orders for an hour.
    private readonly DateTimeOffset openedAt;
    private readonly long opened;

    private int running;
    private DateTimeOffset progressAt;
    private DateTimeOffset pausedUntil;
    private string fault = "";

    public IssuerGate(string issuer, IssuerOptions options, int? documentedRate, TimeProvider time)
    {
        this.issuer = issuer;
        this.options = options;
        this.time = time;
        openedAt = time.GetUtcNow();
        opened = time.GetTimestamp();
        breaker = new CircuitBreaker(options.BreakAfter, options.BreakFor, BreakForMax);
        var rate = options.RatePerMinute > 0 ? options.RatePerMinute : documentedRate ?? 0;
        bucket = rate > 0 ? new TokenBucket(rate, openedAt) : null;
        wake = time.CreateTimer(_ => Dispatch(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Orders that wait and orders that are with the issuer.</summary>
    public (int Waiting, int Running) Load
    {
        get
        {
            lock (gate)
            {
                return (queue.Count, running);
            }
        }
    }

    /// <summary>How the issuer failed last, when it is left alone and has not served since; null otherwise.</summary>
    public string? Fault
    {
        get
        {
            lock (gate)
            {
                return breaker.IsBroken ? fault : null;
            }
        }
    }

    /// <summary>Why an order would be deferred at once; null when it would be sent, or wait.</summary>
    public GateVerdict.Deferred? FindObstacle()
    {
        lock (gate)
        {
            return Obstacle(Now);
        }
    }

    /// <summary>Waits for the order's turn. Ends by the deadline at the latest, and at once where the turn cannot come before it.</summary>
    public async Task<GateVerdict> EnterAsync(IssuancePriority priority, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        AdmissionQueue.Waiter waiter;
        lock (gate)
        {
            var now = Now;
            if (Obstacle(now) is { } obstacle)
            {
                return obstacle;
            }

            if (queue.Count >= options.QueueMax)
            {
                return Defer($"{options.QueueMax} orders wait for {issuer} already", options.StalledAfter);
            }

            waiter = new AdmissionQueue.Waiter(priority, now, deadline);
            queue.Add(waiter);
            Dispatch(now);
        }

        return waiter.Admitted.Task.IsCompleted ? await waiter.Admitted.Task : await WaitAsync(waiter, cancellationToken);
    }

    /// <summary>The issuer has answered, or not.</summary>
    /// <param name="result">How it fared.</param>
    /// <param name="retryAfter">How long it wants to be left alone, when it said so.</param>
    /// <param name="detail">How it failed.</param>
    public void Leave(CallResult result, TimeSpan retryAfter = default, string detail = "")
    {
        lock (gate)
        {
            var now = Now;
            running--;
            switch (result)
            {
                case CallResult.Failed or CallResult.Harmful:
                    breaker.OnFailed(now, result == CallResult.Harmful);
                    fault = detail;
                    break;
                case CallResult.Unused:
                    breaker.OnUnused();
                    break;
                default:
                    breaker.OnAnswered();
                    break;
            }

            progressAt = result == CallResult.Unused ? progressAt : now;

            if (retryAfter > TimeSpan.Zero && now + retryAfter > pausedUntil)
            {
                pausedUntil = now + retryAfter;
            }

            Dispatch(now);
        }
    }

    public void Dispose() => wake.Dispose();

    private async Task<GateVerdict> WaitAsync(AdmissionQueue.Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            var patience = waiter.Deadline - time.GetUtcNow();
            return await waiter.Admitted.Task.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time, cancellationToken);
        }
        catch (Exception impatient) when (impatient is TimeoutException or OperationCanceledException)
        {
            // Whoever sets the verdict first wins: an order that was admitted in this moment must go through, or its place is lost.
            var deferred = Defer($"{issuer} is busy", options.StalledAfter);
            if (!waiter.Admitted.TrySetResult(deferred))
            {
                return await waiter.Admitted.Task;
            }

            cancellationToken.ThrowIfCancellationRequested();
            return deferred;
        }
    }

    private DateTimeOffset Now => openedAt + time.GetElapsedTime(opened);

    private GateVerdict.Deferred Defer(string reason, TimeSpan wait) => new(reason, time.GetUtcNow() + wait);

    private void Dispatch()
    {
        lock (gate)
        {
            Dispatch(Now);
        }
    }

    private void Dispatch(DateTimeOffset now)
    {
        while (queue.Peek() is { } next)
        {
            if (Obstacle(now) is { } obstacle)
            {
                queue.Remove(next);
                next.Admitted.TrySetResult(obstacle);
                continue;
            }

            if (running >= options.ConcurrencyMax)
            {
                // A stalled issuer lets no one leave: those that wait must be told all the same.
                wake.Change(options.StalledAfter, Timeout.InfiniteTimeSpan);
                return;
            }

            if (bucket?.WaitFor(now) is { } wait && wait > TimeSpan.Zero)
            {
                wake.Change(wait + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
                return;
            }

            queue.Remove(next);
            if (next.Admitted.TrySetResult(new GateVerdict.Admitted()))
            {
                Admit(now);
            }
        }
    }

    private void Admit(DateTimeOffset now)
    {
        bucket?.Take();
        breaker.OnSent(now);
        progressAt = running == 0 ? now : progressAt;
        running++;
    }

    private GateVerdict.Deferred? Obstacle(DateTimeOffset now)
    {
        if (now < pausedUntil)
        {
            return Defer($"{issuer} asked to slow down", pausedUntil - now);
        }

        if (breaker.ClosedAgainAt(now) is { } closedAgainAt)
        {
            return Defer($"{issuer} fails and is left alone; last: {fault}", closedAgainAt - now);
        }

        return running > 0 && now - progressAt >= options.StalledAfter
            ? Defer($"{issuer} has not answered for {options.StalledAfter.TotalSeconds:0} seconds", options.StalledAfter)
            : null;
    }
}

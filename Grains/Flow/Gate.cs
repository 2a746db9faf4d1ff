namespace ControlPlane.Flow;

/// <summary>Lets so many through at once, and so many a minute. The others wait, or are told when to come again.</summary>
/// <remarks>
/// Next is whoever waits longest in the group that holds the fewest places; a step of priority counts as half a minute of waiting, so that
/// everyone's turn comes. Waiting costs an entry in a queue: no thread, and a timer only where there is a deadline. What is behind the gate
/// may have a breaker, which turns everybody away. Thread-safe by a lock that is never held over an await: grains of a silo share it.
/// </remarks>
internal sealed class Gate : IDisposable
{
    /// <summary>What a step of priority is worth in waiting time.</summary>
    private static readonly TimeSpan PriorityWorth = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private readonly FairQueue<Waiter> queue = new();
    private readonly GateBounds bounds;
    private readonly TimeProvider time;
    private readonly CircuitBreaker? breaker;
    private readonly RateLimiter? rate;
    private readonly ITimer? wake;

    // Waits are counted by a clock of the gate's own, which never steps: one that was set back an hour would hold everybody for an hour.
    private readonly DateTimeOffset openedAt;
    private readonly long opened;

    private int limit;
    private int running;
    private int gone;

    public Gate(GateBounds bounds, TimeProvider time, CircuitBreaker? breaker = null)
    {
        (this.bounds, this.time, this.breaker) = (bounds, time, breaker);
        (openedAt, opened, limit) = (time.GetUtcNow(), time.GetTimestamp(), bounds.Places);
        rate = bounds.PerMinute > 0 ? new RateLimiter(new RateLimit(bounds.PerMinute, Burst: TimeSpan.FromSeconds(1))) : null;
        wake = rate is null && breaker is null
            ? null
            : time.CreateTimer(_ => LetIn(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public GateLoad Load
    {
        get
        {
            lock (gate)
            {
                return new GateLoad(limit, running, queue.Waiting - gone, queue.Groups, breaker?.Fault);
            }
        }
    }

    /// <summary>Why whoever comes would be turned away at once; null when it would be let in, or wait.</summary>
    public GateVerdict.Deferred? FindObstacle()
    {
        lock (gate)
        {
            return Obstacle_NeedsGate(Now);
        }
    }

    /// <summary>How many may hold a place. Fewer than hold one now: nobody is let in until enough have left.</summary>
    public void LimitTo(int places)
    {
        lock (gate)
        {
            limit = places;
            LetIn_NeedsGate(Now);
        }
    }

    /// <summary>Waits for a place. Ends by the deadline at the latest, and at once where no place can come before it.</summary>
    public Task<GateVerdict> EnterAsync(GateTicket ticket, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (gate)
        {
            var now = Now;
            if (Obstacle_NeedsGate(now) is { } obstacle)
            {
                return Task.FromResult<GateVerdict>(obstacle);
            }

            if (queue.Waiting == 0 && IsRoom_NeedsGate(now))
            {
                return Task.FromResult<GateVerdict>(Admit_NeedsGate(queue.Hold(ticket.Group), now));
            }

            if (queue.Waiting - gone >= bounds.WaitingMax)
            {
                return Task.FromResult<GateVerdict>(
                    Defer($"{bounds.WaitingMax} {bounds.What} wait for {bounds.Name} already", bounds.RetryAfter));
            }

            waiter = new Waiter();
            queue.Enqueue(ticket.Group, waiter, (ticket.Since ?? now) - (ticket.Priority * PriorityWorth));
        }

        return WaitAsync(waiter, ticket.Deadline, cancellationToken);
    }

    public void Dispose() => wake?.Dispose();

    internal void Leave(string group, CallResult result, TimeSpan retryAfter, string detail)
    {
        lock (gate)
        {
            var now = Now;
            running--;
            queue.Leave(group);
            breaker?.OnEnded(now, result, retryAfter, detail);
            LetIn_NeedsGate(now);
        }
    }

    private async Task<GateVerdict> WaitAsync(Waiter waiter, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        try
        {
            var patience = deadline - time.GetUtcNow() ?? Timeout.InfiniteTimeSpan;
            return await waiter.Task.WaitAsync(
                deadline is null || patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time, cancellationToken);
        }
        catch (Exception impatient) when (impatient is TimeoutException or OperationCanceledException)
        {
            var deferred = Defer($"{bounds.Name} is busy", bounds.RetryAfter);
            if (!GiveUp(waiter, deferred))
            {
                // Let in at this very moment: it must go through, or its place is lost.
                return await waiter.Task;
            }

            cancellationToken.ThrowIfCancellationRequested();
            return deferred;
        }
    }

    /// <summary>Those that gave up stay in the queue until their turn comes, or until they are as many as the others.</summary>
    private bool GiveUp(Waiter waiter, GateVerdict.Deferred deferred)
    {
        lock (gate)
        {
            if (!waiter.TrySetResult(deferred))
            {
                return false;
            }

            gone++;
            if (2 * gone >= queue.Waiting)
            {
                queue.Remove(one => one.Task.IsCompleted);
                gone = 0;
            }

            return true;
        }
    }

    private void LetIn()
    {
        lock (gate)
        {
            LetIn_NeedsGate(Now);
        }
    }

    private void LetIn_NeedsGate(DateTimeOffset now)
    {
        while (queue.Waiting > 0)
        {
            var obstacle = Obstacle_NeedsGate(now);
            if (obstacle is null && !IsRoom_NeedsGate(now))
            {
                return;
            }

            var (waiter, group) = queue.Next()!.Value;
            if (waiter.Task.IsCompleted)
            {
                gone--;
                queue.Leave(group);
            }
            else if (obstacle is not null)
            {
                queue.Leave(group);
                waiter.SetResult(obstacle);
            }
            else
            {
                waiter.SetResult(Admit_NeedsGate(group, now));
            }
        }
    }

    private bool IsRoom_NeedsGate(DateTimeOffset now)
    {
        if (running >= limit)
        {
            // What is behind may let no one leave: those who wait must be told so all the same.
            wake?.Change(bounds.RetryAfter, Timeout.InfiniteTimeSpan);
            return false;
        }

        if (rate?.WaitFor(now) is { } wait && wait > TimeSpan.Zero)
        {
            wake?.Change(wait + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            return false;
        }

        return true;
    }

    private GateVerdict.Admitted Admit_NeedsGate(string group, DateTimeOffset now)
    {
        rate?.Take(now);
        breaker?.OnSent(now, running);
        running++;
        return new GateVerdict.Admitted(this, group);
    }

    private GateVerdict.Deferred? Obstacle_NeedsGate(DateTimeOffset now) =>
        breaker?.Obstacle(bounds.Name, now, running) is var (reason, wait) ? Defer(reason, wait) : null;

    private GateVerdict.Deferred Defer(string reason, TimeSpan wait) => new(reason, time.GetUtcNow() + wait);

    private DateTimeOffset Now => openedAt + time.GetElapsedTime(opened);

    /// <summary>Ends with the verdict; continuations run elsewhere, since it is set under the lock.</summary>
    private sealed class Waiter() : TaskCompletionSource<GateVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
}

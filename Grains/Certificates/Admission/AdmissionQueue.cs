namespace ControlPlane.Certificates;

/// <summary>Orders that wait for an issuer. Not thread-safe: its gate is.</summary>
internal sealed class AdmissionQueue
{
    // What a higher priority is worth in waiting time. Since it is time, everyone's turn comes: a new node is served before any
    // renewal that comes half a minute after it.
    private static readonly TimeSpan PriorityWorth = TimeSpan.FromSeconds(30);

    private readonly Queue<Waiter>[] byPriority = [new(), new(), new()];

    /// <summary>How many wait; those that gave up are counted until their turn comes.</summary>
    public int Count => byPriority.Sum(queue => queue.Count);

    public void Add(Waiter waiter) => byPriority[(int)waiter.Priority].Enqueue(waiter);

    /// <summary>Who is next; null when no one waits.</summary>
    public Waiter? Peek()
    {
        Waiter? next = null;
        foreach (var queue in byPriority)
        {
            while (queue.TryPeek(out var gone) && gone.Admitted.Task.IsCompleted)
            {
                queue.Dequeue();
            }

            if (queue.TryPeek(out var head) && (next is null || ServedAs(head) < ServedAs(next)))
            {
                next = head;
            }
        }

        return next;
    }

    /// <summary>Takes out who is next.</summary>
    public void Remove(Waiter next) => byPriority[(int)next.Priority].Dequeue();

    private static DateTimeOffset ServedAs(Waiter waiter) => waiter.Since - ((int)waiter.Priority * PriorityWorth);

    /// <summary>One order that waits.</summary>
    internal sealed record Waiter(IssuancePriority Priority, DateTimeOffset Since, DateTimeOffset Deadline)
    {
        /// <summary>Ends with the verdict; continuations run elsewhere, since it is set under the gate's lock.</summary>
        public TaskCompletionSource<GateVerdict> Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What a gate says to an order.</summary>
internal abstract record GateVerdict
{
    /// <summary>It may be sent; whoever got this must call <see cref="IssuerGate.Leave"/>.</summary>
    public sealed record Admitted : GateVerdict;

    /// <summary>Not now.</summary>
    public sealed record Deferred(string Reason, DateTimeOffset RetryAt) : GateVerdict;
}

/// <summary>How the issuer fared with an order.</summary>
internal enum CallResult
{
    /// <summary>It answered: signed or refused.</summary>
    Answered = 0,

    /// <summary>It asked to slow down.</summary>
    Throttled = 1,

    /// <summary>It was away, silent or wrong.</summary>
    Failed = 2,

    /// <summary>It was not asked after all, or answered what tells nothing of how it fares.</summary>
    Unused = 3,

    /// <summary>It may have signed what nobody gets, or signed what was not ordered: each time costs a key or a certificate.</summary>
    Harmful = 4,
}

namespace ControlPlane.Jobs;

/// <summary>Whose turn it is: targets in their order, and those that wait for a time of their own. Not thread-safe: its grain is.</summary>
/// <param name="table">How they stand.</param>
internal sealed class TargetQueue(TargetTable table)
{
    private readonly PriorityQueue<int, DateTimeOffset> later = new();
    private readonly HashSet<int> waiting = [];
    private int next;

    /// <summary>Takes up what is left to do by the table alone: after its silo ended, or when targets are to be tried again.</summary>
    public void Reset()
    {
        next = 0;
        waiting.Clear();
        later.Clear();
    }

    /// <summary>It is looked at again at a time, and not before.</summary>
    public void Postpone(int target, DateTimeOffset until)
    {
        if (waiting.Add(target))
        {
            later.Enqueue(target, until);
        }
    }

    /// <summary>A target whose turn it is, which is in the queue no more; null when there is none now.</summary>
    /// <param name="end">Targets from here on are not allotted.</param>
    /// <param name="now">The time.</param>
    public int? TakeOrNull(int end, DateTimeOffset now)
    {
        while (later.TryPeek(out var due, out var at) && at <= now)
        {
            later.Dequeue();
            waiting.Remove(due);
            if (table[due] == TargetState.Pending && due < end)
            {
                return due;
            }
        }

        for (; next < end; next++)
        {
            if (table[next] == TargetState.Pending && !waiting.Contains(next))
            {
                return next++;
            }
        }

        return null;
    }

    /// <summary>It was taken and not worked on: it is the next again.</summary>
    public void PutBack(int target) => next = Math.Min(next, target);
}

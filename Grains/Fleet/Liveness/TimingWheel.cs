namespace ControlPlane.Fleet;

/// <summary>Many things that are each due once, for the price of one timer.</summary>
/// <remarks>
/// A ring of slots, one for each tick; what is due further away than the ring is long waits for its lap. Adding costs O(1), a tick costs
/// what its slot holds. An entry cannot be taken out: whoever adds a second one for the same thing drops the first when it comes.
/// </remarks>
internal sealed class TimingWheel<T>
{
    private readonly List<Entry>?[] slots;
    private long now;

    /// <param name="slots">Ticks in one lap; a power of two.</param>
    public TimingWheel(int slots)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(System.Numerics.BitOperations.IsPow2(slots), true, nameof(slots));
        this.slots = new List<Entry>?[slots];
    }

    /// <summary>The last tick that was passed.</summary>
    public long Now => now;

    /// <summary>Entries that are not due yet.</summary>
    public int Count { get; private set; }

    /// <summary>Adds something that is due at a tick; at the next one if that has passed. Returns the tick.</summary>
    public long Add(T item, long tick)
    {
        var due = Math.Max(tick, now + 1);
        (slots[due & (slots.Length - 1)] ??= []).Add(new Entry(due, item));
        Count++;
        return due;
    }

    /// <summary>Passes all ticks up to and including one, and hands over what was due, with the tick it was added for.</summary>
    public void Advance(long tick, Action<T, long> due)
    {
        // A gap longer than a lap meets every slot once.
        var first = Math.Max(now + 1, tick - slots.Length + 1);
        now = Math.Max(now, tick);
        for (var passing = first; passing <= tick; passing++)
        {
            Empty(passing & (slots.Length - 1), tick, due);
        }
    }

    private void Empty(long slot, long tick, Action<T, long> due)
    {
        if (slots[slot] is not { } entries)
        {
            return;
        }

        // What is handed over may be added again, into this very slot: a lap later.
        slots[slot] = null;
        foreach (var entry in entries)
        {
            if (entry.Tick > tick)
            {
                (slots[slot] ??= []).Add(entry);
                continue;
            }

            Count--;
            due(entry.Item, entry.Tick);
        }
    }

    private readonly record struct Entry(long Tick, T Item);
}

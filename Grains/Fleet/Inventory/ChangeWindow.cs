
namespace ControlPlane.Fleet;

/// <summary>The last batches of the feed, read by any number of watchers who each keep no more than a position. Thread-safe.</summary>
internal sealed class ChangeWindow
{
    /// <summary>Batches that are kept: at a batch a second from each slice, more than a minute; at rest, hours.</summary>
    public const int BatchesMax = 8_192;

    private readonly Lock gate = new();
    private readonly Queue<ChangeBatch> batches = new();
    private TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong latest;
    private bool hasBegun;

    /// <summary>Begins to follow a feed that holds these positions, or goes on. Returns where to read from.</summary>
    public ulong Begin(ulong first, ulong last)
    {
        lock (gate)
        {
            // Behind what we have means that it was deleted and made anew; far ahead, that we were away for too long.
            if (!hasBegun || last < latest || first > latest + 1)
            {
                batches.Clear();
                var oldest = last >= BatchesMax ? last - BatchesMax + 1 : 1;
                latest = Math.Max(oldest, Math.Max(first, 1)) - 1;
                hasBegun = true;
            }

            Signal_NeedsGate();
            return latest + 1;
        }
    }

    public void Add(ChangeBatch batch)
    {
        lock (gate)
        {
            if (batch.Position <= latest)
            {
                return;
            }

            batches.Enqueue(batch);
            latest = batch.Position;
            if (batches.Count > BatchesMax)
            {
                batches.Dequeue();
            }

            Signal_NeedsGate();
        }
    }

    public async ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (gate)
            {
                if (hasBegun && TryRead_NeedsGate(after, batchesMax) is { } read)
                {
                    return read;
                }

                waiting = arrived.Task;
            }

            await waiting.WaitAsync(cancellationToken);
        }
    }

    private FeedRead? TryRead_NeedsGate(ulong? after, int batchesMax)
    {
        if (after is not { } position)
        {
            return new FeedRead.Changes([], latest);
        }

        var oldest = batches.TryPeek(out var head) ? head.Position : latest + 1;
        if (position + 1 < oldest || position > latest)
        {
            return new FeedRead.TooOld(latest);
        }

        var next = batches.SkipWhile(batch => batch.Position <= position).Take(batchesMax).ToList();
        return next.Count == 0 ? null : new FeedRead.Changes(next, next[^1].Position);
    }

    private void Signal_NeedsGate()
    {
        arrived.TrySetResult();
        arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

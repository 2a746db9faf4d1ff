using ControlPlane.Nodes;

namespace ControlPlane.Enrolment;

/// <summary>So many at once; the rest wait in a <see cref="FairQueue{T}"/>. Thread-safe: grains of one silo share it.</summary>
/// <remarks>Waiting costs one queue entry: no thread, and no timer.</remarks>
internal sealed class Lane(int limit)
{
    private readonly Lock gate = new();
    private readonly FairQueue<Turn> queue = new();
    private int limit = limit;
    private int running;

    public LaneLoad Load
    {
        get
        {
            lock (gate)
            {
                return new LaneLoad(limit, running, queue.Waiting, queue.Groups);
            }
        }
    }

    /// <summary>How many may hold a place. Fewer than hold one now: nobody is let in until enough have left.</summary>
    public void LimitTo(int places)
    {
        lock (gate)
        {
            limit = places;
            LetIn_NeedsGate();
        }
    }

    /// <summary>Waits for a place, which is to be disposed of.</summary>
    public async Task<IDisposable> EnterAsync(string group, DateTimeOffset waitingSince, CancellationToken cancellationToken)
    {
        Turn turn;
        lock (gate)
        {
            if (running < limit && queue.Waiting == 0)
            {
                running++;
                return new Place(this, queue.Hold(group));
            }

            turn = new Turn();
            queue.Enqueue(group, turn, waitingSince);
        }

        await using var registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        return await turn.Task;
    }

    /// <summary>Forgets those who wait no more.</summary>
    public void DropGone()
    {
        lock (gate)
        {
            queue.Remove(turn => turn.Task.IsCompleted);
        }
    }

    private void LetIn_NeedsGate()
    {
        while (running < limit && queue.Next() is var (turn, group))
        {
            // One who gave up has completed its turn already; the next one takes the place.
            if (turn.TrySetResult(new Place(this, group)))
            {
                running++;
            }
            else
            {
                queue.Leave(group);
            }
        }
    }

    private void Leave(string group)
    {
        lock (gate)
        {
            running--;
            queue.Leave(group);
            LetIn_NeedsGate();
        }
    }

    private sealed class Turn() : TaskCompletionSource<IDisposable>(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Place(Lane lane, string group) : IDisposable
    {
        private Lane? held = lane;

        public void Dispose() => Interlocked.Exchange(ref held, null)?.Leave(group);
    }
}

/// <param name="Limit">Places there are.</param>
/// <param name="Running">Places that are held.</param>
/// <param name="Waiting">Who waits for one.</param>
/// <param name="Groups">Groups that hold places or wait for some.</param>
internal readonly record struct LaneLoad(int Limit, int Running, int Waiting, int Groups);

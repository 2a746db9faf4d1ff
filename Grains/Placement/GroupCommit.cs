namespace ControlPlane.Placement;

/// <summary>
/// Applies changes at once and writes those of concurrent calls in one go: while one journal record is written, the next one gathers.
/// </summary>
/// <remarks>
/// Runs on its grain's scheduler, so it needs no lock. Nobody is answered before what the answer rests on is stored. The first
/// failed write ends it: later changes build on the lost ones.
/// </remarks>
/// <param name="apply">Changes what is in memory.</param>
/// <param name="write">Stores changes.</param>
/// <param name="onLost">Called when a change could not be stored: memory is ahead of the store, and the activation must end.</param>
internal sealed class GroupCommit(Action<PlacementChange> apply, Func<PlacementChange[], Task> write, Action<Exception> onLost)
{
    /// <summary>How many changes may wait to be written; beyond that callers are asked to come again.</summary>
    public const int WaitingMax = 100_000;

    /// <summary>How many changes one journal record holds.</summary>
    public const int RecordEntriesMax = 4096;

    private List<PlacementChange> waiting = [];
    private TaskCompletionSource next = NewSource();
    private Task written = Task.CompletedTask;
    private bool isWriting;
    private bool isLost;

    public bool IsFull => waiting.Count >= WaitingMax;

    /// <summary>Completes when everything added so far is stored.</summary>
    public Task Written => waiting.Count > 0 ? next.Task : written;

    /// <summary>Applies a change; the task completes when it is stored.</summary>
    /// <exception cref="PlacementUnavailableException">An earlier change was lost.</exception>
    public Task Record(PlacementChange change)
    {
        if (isLost)
        {
            throw new PlacementUnavailableException("placement is starting again; ask again");
        }

        apply(change);
        waiting.Add(change);
        var stored = next.Task;
        if (!isWriting)
        {
            isWriting = true;
            _ = WriteAllAsync();
        }

        return stored;
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task WriteAllAsync()
    {
        // The calls that are queued behind this one get to add theirs first.
        await Task.Yield();
        while (waiting.Count > 0)
        {
            var (entries, source) = (waiting, next);
            (waiting, next, written) = ([], NewSource(), source.Task);
            try
            {
                foreach (var part in entries.Chunk(RecordEntriesMax))
                {
                    await write(part);
                }

                source.SetResult();
            }
#pragma warning disable CA1031 // Whatever the store throws, the outcome is unknown and this activation must not go on.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                Lose(source, fault);
                return;
            }
        }

        isWriting = false;
    }

    private void Lose(TaskCompletionSource source, Exception fault)
    {
        isLost = true;
        var unavailable = new PlacementUnavailableException("the decision could not be recorded; ask again", fault);
        source.SetException(unavailable);
        next.SetException(unavailable);

        // Nobody may be waiting for the second one; an unobserved fault would be reported as a bug of ours.
        _ = next.Task.Exception;
        onLost(fault);
    }
}

using System.Collections.Concurrent;
using Orleans.Runtime;
using Orleans.Storage;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// A grain store in memory that refuses to overwrite what its writer has not read, as Redis does; its user may die at a write.
/// </summary>
internal sealed class MemoryStore : IGrainStorage
{
    private readonly ConcurrentDictionary<string, (object State, string ETag)> records = new(StringComparer.Ordinal);
    private int writesLeft = int.MaxValue;
    private bool isLastStored;
    private int versions;

    /// <summary>From now on so many writes go through; of the one after them nobody hears whether it did.</summary>
    public void DieAfter(int writes, bool isStored) => (writesLeft, isLastStored) = (writes, isStored);

    /// <summary>Another silo begins, on what is stored.</summary>
    public void Revive() => writesLeft = int.MaxValue;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (records.TryGetValue(stateName, out var record))
        {
            (grainState.State, grainState.ETag, grainState.RecordExists) = ((T)record.State, record.ETag, true);
        }

        return Task.CompletedTask;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        // Whoever waits for a write waits behind others: that is when calls share a journal record.
        await Task.Yield();
        var left = Interlocked.Decrement(ref writesLeft);
        if (left >= 0 || (left == -1 && isLastStored))
        {
            Store(stateName, grainState);
        }

        if (left < 0)
        {
            throw new IOException("the silo is dead");
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        records.TryRemove(stateName, out _);
        return Task.CompletedTask;
    }

    private void Store<T>(string stateName, IGrainState<T> grainState)
    {
        var stored = records.TryGetValue(stateName, out var record) ? record.ETag : null;
        if (stored != grainState.ETag)
        {
            throw new InconsistentStateException("somebody else wrote it");
        }

        grainState.ETag = $"{Interlocked.Increment(ref versions)}";
        grainState.RecordExists = true;
        records[stateName] = (grainState.State!, grainState.ETag);
    }
}

using Orleans.Storage;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>
/// A store whose user dies at one of its writes: before it, or after it and before the answer. Nothing goes through any more.
/// </summary>
internal sealed class DyingStorage(IGrainStorage inner, int lastWrite, bool isStored) : IGrainStorage
{
    private int writes;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var number = Interlocked.Increment(ref writes);
        if (number < lastWrite || (number == lastWrite && isStored))
        {
            await inner.WriteStateAsync(stateName, grainId, grainState);
        }

        if (number >= lastWrite)
        {
            throw new IOException("the silo is dead");
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => writes >= lastWrite
        ? throw new IOException("the silo is dead")
        : inner.ClearStateAsync(stateName, grainId, grainState);
}

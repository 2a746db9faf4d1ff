using Orleans.Storage;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A store whose writes of one kind of state fail for as long as a test says.</summary>
internal sealed class InterruptibleStorage(IGrainStorage inner, StorageOutage outage) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ReadStateAsync(stateName, grainId, grainState);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => outage.Of == stateName
        ? throw new IOException("the store is away")
        : inner.WriteStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ClearStateAsync(stateName, grainId, grainState);
}

/// <summary>Which state cannot be written now.</summary>
internal sealed class StorageOutage
{
    /// <summary>The name of the state; null while all is well.</summary>
    public string? Of { get; set; }
}

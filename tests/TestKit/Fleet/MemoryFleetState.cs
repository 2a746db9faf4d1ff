using System.Collections.Concurrent;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.TestKit.Fleet;

/// <summary>Soft state, advisories and changes in memory, for tests without brokers. Thread-safe.</summary>
public sealed class MemoryFleetState : ISoftState, ISignsOfLife, ILivenessAdvisories, INodeChanges, IFleetConnectivity
{
    private readonly ConcurrentDictionary<(string Area, string Key), ReadOnlyMemory<byte>> kept = new();
    private int writes;

    /// <summary>What was published, oldest first.</summary>
    public ConcurrentQueue<LivenessAdvisory> Advisories { get; } = new();

    /// <summary>What was published, oldest first.</summary>
    public ConcurrentQueue<NodeChange> Changes { get; } = new();

    /// <summary>How often something was kept.</summary>
    public int Writes => Volatile.Read(ref writes);

    /// <summary>Whether brokers answer.</summary>
    public bool IsAway { get; set; }

    public bool IsHearing => !IsAway;

    public Task KeepAsync(string area, string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ThrowIfAway();
        kept[(area, key)] = content.ToArray();
        Interlocked.Increment(ref writes);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<SoftEntry> RecallAsync(
        string area, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        ThrowIfAway();
        foreach (var entry in kept.Where(entry => entry.Key.Area == area))
        {
            yield return new SoftEntry(entry.Key.Key, entry.Value);
        }
    }

    public Task<ReadOnlyMemory<byte>?> FindAsync(string area, string key, CancellationToken cancellationToken)
    {
        ThrowIfAway();

        // Null would become an empty content, by way of an array that is not there.
        ReadOnlyMemory<byte>? none = default;
        return Task.FromResult(kept.TryGetValue((area, key), out var content) ? content : none);
    }

    /// <summary>What brokers would still hold; null, as if they held too much, by default.</summary>
    public IReadOnlyList<FleetEvent>? Heard { get; set; }

    public Task<IReadOnlyList<FleetEvent>?> SinceAsync(string partition, DateTimeOffset since, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<FleetEvent>?>(Heard is { } heard ? [.. heard.Where(one => one.ReceivedAt >= since)] : null);

    public Task PublishAsync(LivenessAdvisory advisory, CancellationToken cancellationToken)
    {
        ThrowIfAway();
        Advisories.Enqueue(advisory);
        return Task.CompletedTask;
    }

    public Task PublishAsync(IReadOnlyList<NodeChange> changes, CancellationToken cancellationToken)
    {
        ThrowIfAway();
        foreach (var change in changes)
        {
            Changes.Enqueue(change);
        }

        return Task.CompletedTask;
    }

    /// <summary>Registers it for every port that it stands in for.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton<ISoftState>(this);
        services.AddSingleton<ISignsOfLife>(this);
        services.AddSingleton<ILivenessAdvisories>(this);
        services.AddSingleton<INodeChanges>(this);
        services.AddSingleton<IFleetConnectivity>(this);
    }

    private void ThrowIfAway()
    {
        if (IsAway)
        {
            throw new SoftStateException("the brokers are away");
        }
    }
}

using System.Collections.Concurrent;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.TestKit.Fleet;

/// <summary>Soft state, advisories and changes in memory, for tests without brokers. Thread-safe.</summary>
public sealed class MemoryFleetState : ISignsOfLife, ILivenessAdvisories, IFleetConnectivity
{
    public MemoryFleetState() => Log.BeforeAnswer = Register.BeforeAnswer = ThrowIfAway;

    /// <summary>What was published, oldest first.</summary>
    public ConcurrentQueue<LivenessAdvisory> Advisories { get; } = new();

    /// <summary>The log of changes.</summary>
    public MemoryLog Log { get; } = new();

    public MemoryRegister Register { get; } = new();

    /// <summary>Whether brokers answer.</summary>
    public bool IsAway { get; set; }

    public bool IsHearing => !IsAway;

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

    /// <summary>Registers it for every port that it stands in for.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton<IRegister>(Register);
        services.AddSingleton<ISignsOfLife>(this);
        services.AddSingleton<ILivenessAdvisories>(this);
        services.AddKeyedSingleton<ILog>(Logs.Changes, Log);
        services.AddSingleton<IFleetConnectivity>(this);
    }

    private void ThrowIfAway()
    {
        if (IsAway)
        {
            throw new StoreUnavailableException("the brokers are away");
        }
    }
}

using ControlPlane.Flow;
using ControlPlane.Replication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Orleans.Hosting;

/// <summary>Registers replication.</summary>
public static class ReplicationHosting
{
    /// <summary>A link whose silo ended is taken up within this, once the others know that it has.</summary>
    private static readonly TimeSpan WakePeriod = TimeSpan.FromSeconds(5);

    /// <summary>Adds the links. Needs the port <see cref="IStreamReplication"/> and the grain storage <c>fleet</c>.</summary>
    public static ISiloBuilder AddReplication(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<Loops>();
        silo.Services.AddSingleton<ReplicationMeter>();
        silo.Services.AddSingleton<ReplicationContext>();
        silo.Services.AddSingleton<ReplicationRounds>();
        silo.Services.AddRounds<ReplicationRounds>("links", WakePeriod, (links, _) => links.WakeAsync(), isDueAtOnce: true);
        return silo;
    }
}

/// <summary>Sees that every link runs somewhere. Every silo asks: each link is one grain.</summary>
internal sealed class ReplicationRounds(IGrainFactory grains, IStreamReplication replication)
{
    public Task WakeAsync() =>
        Task.WhenAll(replication.Links.Select(link => grains.GetGrain<IInternalReplicationGrain>(link.Name).Wake()));
}

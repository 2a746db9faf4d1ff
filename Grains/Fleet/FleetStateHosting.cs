using ControlPlane;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers what is known of all nodes.</summary>
public static class FleetStateHosting
{
    /// <summary>
    /// Adds the slices of the fleet and the discovery sweep, configured by the sections <c>Liveness</c> and <c>Inventory</c>. Needs the
    /// ports <see cref="IFleetDiscovery"/>, <see cref="IRegister"/>, <see cref="ISignsOfLife"/>, <see cref="ILivenessAdvisories"/>,
    /// <see cref="IFleetConnectivity"/> and the <see cref="ILog"/> of <see cref="Logs.Changes"/>, the enrolment of nodes, the grain storage
    /// <c>fleet</c> and the stream provider <c>fleet</c>.
    /// </summary>
    public static ISiloBuilder AddFleetState(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<LivenessOptions>().BindConfiguration(LivenessOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<LivenessOptions>, LivenessOptionsValidator>();
        silo.Services.AddOptions<InventoryOptions>().BindConfiguration(InventoryOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<InventoryOptions>, InventoryOptionsValidator>();

        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<Loops>();
        silo.Services.TryAddSingleton<StoredMessages>();
        silo.Services.AddSingleton<NewcomerProbe>();
        silo.Services.AddSingleton<LivenessMeter>();
        silo.Services.AddSingleton<LivenessStore>();
        silo.Services.AddSingleton<LivenessAnnouncer>();
        silo.Services.AddSingleton<LivenessWatch>();
        silo.Services.AddSingleton<InventoryMeter>();
        silo.Services.AddSingleton<InventoryStore>();
        silo.Services.AddSingleton<ChangePublication>();
        silo.Services.AddSingleton<SliceIndexes>();
        silo.Services.AddSingleton<NodeChangeTail>();
        silo.Services.AddSingleton<INodeChangeFeed>(services => services.GetRequiredService<NodeChangeTail>());
        silo.Services.AddRounds<NodeChangeTail>(
            "feed of changes", TimeSpan.FromSeconds(2), (tail, token) => tail.FollowAsync(token), isDueAtOnce: true);
        silo.Services.AddSingleton<FleetRounds>();
        silo.Services.AddRounds<FleetRounds>("fleet", TimeSpan.FromSeconds(5), (fleet, _) => fleet.WakeAsync(), isDueAtOnce: true);
        return silo;
    }
}

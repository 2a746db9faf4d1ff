using ControlPlane;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers what is known of nodes besides their enrolment.</summary>
public static class LivenessHosting
{
    /// <summary>
    /// Adds liveness, inventories and their index, configured by the sections <c>Liveness</c> and <c>Inventory</c>. Needs the ports
    /// <see cref="IRegister"/>, <see cref="ISignsOfLife"/>, <see cref="ILivenessAdvisories"/>, <see cref="IFleetConnectivity"/>
    /// and the <see cref="ILog"/> of <see cref="Logs.Changes"/>.
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
        silo.Services.AddSingleton<LivenessMeter>();
        silo.Services.AddSingleton<LivenessStore>();
        silo.Services.AddSingleton<LivenessAnnouncer>();
        silo.Services.AddSingleton<LivenessWatch>();
        silo.Services.AddSingleton<InventoryMeter>();
        silo.Services.AddSingleton<InventoryStore>();
        silo.Services.AddSingleton<ChangePublication>();
        silo.Services.AddSingleton<NodeChangeTail>();
        silo.Services.AddSingleton<INodeChangeFeed>(services => services.GetRequiredService<NodeChangeTail>());
        silo.Services.AddRounds<NodeChangeTail>(
            "feed of changes", TimeSpan.FromSeconds(2), (tail, token) => tail.FollowAsync(token), isDueAtOnce: true);
        return silo;
    }
}

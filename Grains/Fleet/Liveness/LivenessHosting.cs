using ControlPlane;
using ControlPlane.Fleet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers what is known of nodes besides their enrolment.</summary>
public static class LivenessHosting
{
    /// <summary>
    /// Adds liveness, inventories and their index, configured by the sections <c>Liveness</c> and <c>Inventory</c>. Needs the ports
    /// <see cref="ISoftState"/>, <see cref="ISignsOfLife"/>, <see cref="ILivenessAdvisories"/>, <see cref="IFleetConnectivity"/>
    /// and <see cref="INodeChanges"/>.
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
        return silo;
    }
}

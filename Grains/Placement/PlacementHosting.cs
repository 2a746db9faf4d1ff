using ControlPlane;
using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Hosting;

/// <summary>Registers the region's placement.</summary>
public static class PlacementHosting
{
    /// <summary>
    /// Binds and validates section <c>Overlays</c>. The grain needs a grain storage named <see
    /// cref="ControlPlane.Stores.Fleet"/>.
    /// </summary>
    public static ISiloBuilder AddOverlayPlacement(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<OverlaysOptions>().BindConfiguration(OverlaysOptions.Section).PostConfigure(DropDefaults)
            .ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<OverlaysOptions>, OverlaysOptionsValidator>();
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<Loops>();

        // A million nodes are read when the region is activated; a machine that is busy with a herd must not give up half-way.
        silo.Configure<GrainCollectionOptions>(collection => collection.ActivationTimeout = TimeSpan.FromMinutes(5));
        silo.Services.AddSingleton<PlacementContext>();
        silo.Services.AddSingleton<PlacementMeter>();
        silo.Services.AddSingleton<PlacementClient>();
        silo.Services.TryAddSingleton<ISiteLink, NoSiteLink>();
        silo.Services.TryAddSingleton<NodeSites>();
        silo.Services.AddSingleton<ISiteChannel, PlacementChannel>();
        silo.Services.AddRounds<PlacementClient>("region", TimeSpan.FromSeconds(15), (placement, _) => placement.WakeAsync());
        return silo;
    }

    // Configuration is bound onto a list by adding to it, so the default stays in front of what the operator wrote.
    private static void DropDefaults(OverlaysOptions options)
    {
        foreach (var member in options.Members.Values)
        {
            if (member.Collectives.Count > 1 && ReferenceEquals(member.Collectives[0], OverlayOptions.DefaultCollective))
            {
                member.Collectives.RemoveAt(0);
            }
        }
    }
}

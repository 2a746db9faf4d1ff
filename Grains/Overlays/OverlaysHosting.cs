using ControlPlane.Overlays;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers the region's placement.</summary>
public static class OverlaysHosting
{
    /// <summary>Binds and validates section <c>Overlays</c>. The grain needs a grain storage named <see cref="ControlPlane.Stores.Fleet"/>.</summary>
    public static ISiloBuilder AddOverlayPlacement(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<OverlaysOptions>().BindConfiguration(OverlaysOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<OverlaysOptions>, OverlaysOptionsValidator>();
        return silo;
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement;

/// <summary>
/// What a region's placement stands on besides its own history: where that is kept, configuration, the time, and the other overlays.
/// </summary>
internal sealed class PlacementContext(
    [FromKeyedServices(Stores.Fleet)] IGrainStorage storage,
    Serializer serializer,
    IOptionsMonitor<OverlaysOptions> options,
    IPlacementLink link,
    TimeProvider time)
{
    public OverlaysOptions Options => options.CurrentValue;

    public IPlacementLink Link => link;

    public TimeProvider Time => time;

    public StoredRegion Open(GrainId grain, Action<Exception> onLost) => new(storage, grain, serializer, time, onLost);
}

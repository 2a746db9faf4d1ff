using ControlPlane.Jobs;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement;

/// <summary>What placement stands on besides what it stores: where that is kept, configuration, the time, and the other sites.</summary>
internal sealed class PlacementContext(
    [FromKeyedServices(Stores.Fleet)] IGrainStorage storage,
    Serializer serializer,
    IGrainFactory grains,
    IOptionsMonitor<OverlaysOptions> options,
    ISiteLink link,
    TimeProvider time)
{
    public OverlaysOptions Options => options.CurrentValue;

    public TimeProvider Time => time;

    public StoredRegion OpenRegion(GrainId grain, Action<Exception> onLost) => new(storage, grain, serializer, time, onLost);

    public StoredPlaces OpenPlaces(string overlay, GrainId grain, Action<Exception> onLost) =>
        new(overlay, storage, grain, serializer, time, onLost);

    /// <summary>A job of this site.</summary>
    public IJobGrain JobOf(string id) => grains.GetJob(id);

    /// <summary>Asks an overlay, here or over the link.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer: whether it did what was asked is unknown.</exception>
    /// <exception cref="PlacementUnavailableException">It could not store it.</exception>
    public async Task<OverlayReply> AskAsync(
        string region, string overlay, LeaderEpoch by, OverlayCall call, CancellationToken cancellationToken)
    {
        var options = Options;
        if (options.Serves(overlay))
        {
            return await grains.GetOverlay(region, overlay).Answer(by, call);
        }

        var reply = await AskSiteAsync(options.ServedBy(overlay), new PlacementQuestion.OfOverlay(overlay, by, call), cancellationToken);
        return reply is PlacementReply.OfOverlay { Answer: var answer }
            ? answer
            : throw new SiteUnreachableException($"{overlay} answered something else");
    }

    /// <summary>Asks the placement of another site.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer: whether it did what was asked is unknown.</exception>
    public Task<PlacementReply> AskSiteAsync(string site, PlacementQuestion question, CancellationToken cancellationToken) =>
        link.AskAsync<PlacementQuestion, PlacementReply>(
            site, PlacementChannel.Name, question, Options.LeaderPatience, cancellationToken);
}

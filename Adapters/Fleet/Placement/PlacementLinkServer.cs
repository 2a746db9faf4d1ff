using ControlPlane.Placement;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Placement;

/// <summary>Lets the region's other overlays reach the placement of this one, on this overlay's own network.</summary>
internal sealed class PlacementLinkServer(
    FleetConnections connections,
    IGrainFactory grains,
    IOptions<OverlaysOptions> overlays,
    Loops loops,
    ILogger<PlacementLinkServer> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (region, local) = (overlays.Value.Region, overlays.Value.Local);
        if (overlays.Value.Members.Count < 2 || connections.Of(local) is not [var connection, ..])
        {
            return Task.CompletedTask;
        }

        // While nobody answers here, this overlay is cut off from its region.
        var responder = new PlacementResponder(connection, LinkJson.SubjectOf(region, local), Answer, logger);
        return loops.RunAsync("placement link", RetryDelay, isDueAtOnce: true, responder.RunAsync, stoppingToken);

        // Another region's question is not ours, whoever may publish here.
        Task<LinkReply> Answer(LinkRequest request) => request.Region == region
            ? grains.GetGrain<IRegionLeaderGrain>(region).Answer(request)
            : throw new InvalidOperationException($"it is about the region '{request.Region}'");
    }
}

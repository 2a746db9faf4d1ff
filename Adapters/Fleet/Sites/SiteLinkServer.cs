using ControlPlane.Flow;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Lets the region's other sites reach this one, on its own overlay's network.</summary>
internal sealed class SiteLinkServer(
    FleetConnections connections,
    IEnumerable<ISiteChannel> channels,
    IOptions<OverlaysOptions> overlays,
    SiteSeals seals,
    ILogger<SiteLinkServer> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    /// <summary>Answers until that breaks off, over and over: while nobody answers, this overlay is cut off from its region.</summary>
    public IEnumerable<Round> Rounds
    {
        get
        {
            var (region, site) = (overlays.Value.Region, overlays.Value.Local);
            return overlays.Value.Members.Count > 1 && connections.Of(site) is [var connection, ..]
                ? channels.Select(channel => new Round(
                    $"link of {channel.Name}",
                    RetryDelay,
                    new SiteResponder(connection, SiteSubjects.Of(region, site, channel.Name), channel, seals, logger).RunAsync,
                    IsDueAtOnce: true))
                : [];
        }
    }
}

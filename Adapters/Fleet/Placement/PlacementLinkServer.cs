using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Placement;

/// <summary>Lets the region's other overlays reach the placement of this one, on this overlay's own network.</summary>
internal sealed class PlacementLinkServer(
    FleetConnections connections,
    LinkAnswers answers,
    IOptions<OverlaysOptions> overlays,
    ILogger<PlacementLinkServer> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private string Region => overlays.Value.Region;

    /// <summary>Answers until that breaks off, over and over: while nobody answers, this overlay is cut off from its region.</summary>
    public IEnumerable<Round> Rounds
    {
        get
        {
            var local = overlays.Value.Local;
            if (overlays.Value.Members.Count > 1 && connections.Of(local) is [var connection, ..])
            {
                var responder = new PlacementResponder(connection, LinkJson.SubjectOf(Region, local), Answer, logger);
                yield return new Round("placement link", RetryDelay, responder.RunAsync, IsDueAtOnce: true);
            }
        }
    }

    // Another region's question is not ours, whoever may publish here.
    private Task<LinkReply> Answer(LinkRequest request) => request.Region == Region
        ? answers.AnswerAsync(request)
        : throw new InvalidOperationException($"it is about the region '{request.Region}'");
}

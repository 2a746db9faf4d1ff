using ControlPlane.Provisioning;

namespace ControlPlane.Overlays.Plans;

/// <summary>Has a node enrol anew, through the silos of whichever overlay keep it.</summary>
/// <remarks>
/// Each overlay is a cluster of its own, and the silos through which a node enrolled keep it, also when it lives elsewhere by now. So this
/// overlay's are asked, then those where it lives, then the others.
/// </remarks>
internal sealed class NodeSummons(IGrainFactory grains, IPlacementLink link, HomeDesk homes, string region)
{
    private const string Actor = "placement";

    /// <summary>A node is given most of this to answer its overlay; the rest is the way there and back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <exception cref="PlacementHomeLostException">No overlay said that it keeps the node, and one did not answer.</exception>
    public async Task<SummonsAnswer> AskAsync(string identity, string lives, string reason, CancellationToken cancellationToken)
    {
        var answer = await HereAsync(identity, reason, cancellationToken);
        PlacementHomeLostException? lost = null;
        foreach (var overlay in homes.OtherOverlays.OrderBy(name => name == lives ? 0 : 1).TakeWhile(_ => answer == SummonsAnswer.Unknown))
        {
            try
            {
                var home = homes.View;
                var request = new LinkRequest(
                    LinkVerb.Reprovision, region, home.Home, home.Home, home.Epoch, Identity: identity, Reason: reason);
                answer = (await link.AskAsync(overlay, request, Patience, cancellationToken)).Summoned ?? SummonsAnswer.Unknown;
            }
            catch (PlacementHomeLostException silent)
            {
                lost = silent;
            }
        }

        return answer == SummonsAnswer.Unknown && lost is not null ? throw lost : answer;
    }

    /// <summary>The node, as this overlay's silos keep it.</summary>
    public async Task<SummonsAnswer> HereAsync(string identity, string reason, CancellationToken cancellationToken) =>
        await grains.GetGrain<INodeGrain>(identity).Reprovision(new ReprovisionRequest(reason, Actor), cancellationToken) switch
        {
            ReprovisionOutcome.UnknownNode => SummonsAnswer.Unknown,
            ReprovisionOutcome.NodeUnwilling or ReprovisionOutcome.UnderWay { Stage: NodeStage.Gone } => SummonsAnswer.Unwilling,
            _ => SummonsAnswer.Coming,
        };
}

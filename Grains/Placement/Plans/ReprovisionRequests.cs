using ControlPlane.Nodes;

namespace ControlPlane.Placement.Plans;

/// <summary>Has a node enrol anew, through the silos of whichever overlay keep it.</summary>
/// <remarks>
/// Each overlay is a cluster of its own, and the silos through which a node enrolled keep it, also when it lives elsewhere by now. So this
/// overlay's are asked, then those where it lives, then the others.
/// </remarks>
internal sealed class ReprovisionRequests(IGrainFactory grains, IPlacementLink link, RegionLeadership leadership, string region)
{
    private const string Actor = "placement";

    /// <summary>A node is given most of this to answer its overlay; the rest is the way there and back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <exception cref="LeaderUnreachableException">No overlay said that it keeps the node, and one did not answer.</exception>
    public async Task<ReprovisionAnswer> AskAsync(string identity, string lives, string reason, CancellationToken cancellationToken)
    {
        var answer = await HereAsync(identity, reason, cancellationToken);
        LeaderUnreachableException? lost = null;
        var others = leadership.OtherOverlays.OrderBy(name => name == lives ? 0 : 1);
        foreach (var overlay in others.TakeWhile(_ => answer == ReprovisionAnswer.Unknown))
        {
            try
            {
                var leader = leadership.View;
                var request = new LinkRequest(
                    LinkVerb.Reprovision, region, leader.Leader, leader.Leader, leader.Epoch, Identity: identity, Reason: reason);
                answer = (await link.AskAsync(overlay, request, Patience, cancellationToken)).Summoned ?? ReprovisionAnswer.Unknown;
            }
            catch (LeaderUnreachableException silent)
            {
                lost = silent;
            }
        }

        return answer == ReprovisionAnswer.Unknown && lost is not null ? throw lost : answer;
    }

    /// <summary>The node, as this overlay's silos keep it.</summary>
    public async Task<ReprovisionAnswer> HereAsync(string identity, string reason, CancellationToken cancellationToken)
    {
        var node = grains.GetGrain<INodeGrain>(identity);
        if ((await node.Get()).Attempt == 0)
        {
            // At most heard of, in whoever's name. One that has a place was enrolled by the silos that keep it.
            return ReprovisionAnswer.Unknown;
        }

        return await node.Reprovision(new ReprovisionRequest(reason, Actor), cancellationToken) switch
        {
            ReprovisionOutcome.UnknownNode => ReprovisionAnswer.Unknown,
            ReprovisionOutcome.NodeUnwilling or ReprovisionOutcome.UnderWay { Stage: NodeStage.Gone } => ReprovisionAnswer.Unwilling,
            _ => ReprovisionAnswer.Coming,
        };
    }
}

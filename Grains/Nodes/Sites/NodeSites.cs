using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>Reaches the owner of a node, and the site that hears it, wherever they are.</summary>
internal sealed class NodeSites(IGrainFactory grains, ISiteLink link, IOptionsMonitor<OverlaysOptions> options)
{
    /// <summary>A node is given most of this to answer; the rest is the way there and back.</summary>
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan TellPatience = TimeSpan.FromSeconds(10);

    /// <summary>This site.</summary>
    public string Here => options.CurrentValue.Local;

    /// <summary>Whether this site's silos own the nodes of an overlay.</summary>
    public bool Serves(string overlay) => options.CurrentValue.Serves(overlay);

    /// <summary>Hands a node over that this site hears and another's overlay owns. Safe to repeat.</summary>
    /// <returns>Why the owner does not take it; null when it does.</returns>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public async Task<string?> HandOverAsync(string identity, Adoption adoption, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(
            options.CurrentValue.ServedBy(adoption.Overlay), new NodeQuestion.Adopt(identity, adoption), TellPatience, cancellationToken);
        return reply.Refusal;
    }

    /// <summary>Has the site that hears a node call it.</summary>
    /// <exception cref="NetworkUnavailableException">The site did not answer: what the node did is unknown.</exception>
    public async Task<AgentAnswer> CallAsync(
        string reception, string identity, NodeProtocol protocol, AgentCall call, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await AskAsync(reception, new NodeQuestion.Call(identity, protocol, call), CallPatience, cancellationToken);
            return reply.Answer ?? throw new SiteUnreachableException($"{reception} answered something else");
        }
        catch (SiteUnreachableException away)
        {
            throw new NetworkUnavailableException($"the node is on the provisioning network of {reception}: {away.Message}", away);
        }
    }

    /// <summary>Tells the owner of a node that a call of it got two different answers. Safe to repeat.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public Task TellContestAsync(string overlay, string identity, ContestedAnswer contested) =>
        AskAsync(
            options.CurrentValue.ServedBy(overlay), new NodeQuestion.Contest(identity, contested), TellPatience, CancellationToken.None);

    /// <summary>Tells an overlay that a node which it lists lives in another, by a later decision. Safe to repeat.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public async Task TellMovedAsync(
        string from, string identity, string to, DecisionStamp decided, CancellationToken cancellationToken)
    {
        var moved = new NodeQuestion.Moved(identity, from, to, decided);
        if (Serves(from))
        {
            await MovedHereAsync(moved);
            return;
        }

        await AskAsync(options.CurrentValue.ServedBy(from), moved, TellPatience, cancellationToken);
    }

    // The node's own record first: the region asks again as long as the place is listed, and not any more when it is not.
    internal async Task MovedHereAsync(NodeQuestion.Moved moved)
    {
        var places = grains.GetOverlay(options.CurrentValue.Region, moved.From);
        if (await places.LivedBefore(moved.Identity, moved.Decided))
        {
            await grains.GetGrain<IInternalNodeGrain>(moved.Identity).MoveAway(moved.From, moved.To);
            await places.Leave(moved.Identity, moved.Decided);
        }
    }

    private Task<NodeReply> AskAsync(string site, NodeQuestion question, TimeSpan patience, CancellationToken cancellationToken) =>
        link.AskAsync<NodeQuestion, NodeReply>(site, NodeChannel.Name, question, patience, cancellationToken);
}

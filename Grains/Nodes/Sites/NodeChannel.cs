using ControlPlane.Sites;

namespace ControlPlane.Nodes;

/// <summary>Answers what other sites ask about nodes that this one owns or hears.</summary>
internal sealed class NodeChannel(IGrainFactory grains, INodeAgent agent, NodeSites sites) : ISiteChannel
{
    public const string Name = "nodes-v1";

    string ISiteChannel.Name => Name;

    public async Task<byte[]> AnswerAsync(string? asker, ReadOnlyMemory<byte> question, CancellationToken cancellationToken)
    {
        var asked = SiteJson.Read<NodeQuestion>(question.Span);
        return NodeIdentity.IsValid(asked.Identity)
            ? SiteJson.Write(await AnswerAsync(asker, asked, cancellationToken))
            : throw new FormatException($"there is no node of that name: {NodeIdentity.Rule}");
    }

    private async Task<NodeReply> AnswerAsync(string? asker, NodeQuestion question, CancellationToken cancellationToken)
    {
        switch (question)
        {
            case NodeQuestion.Adopt { Adoption.Reception: var reception } when asker is not null && reception != asker:
                throw new FormatException($"{asker} speaks for the reception {reception}");

            case NodeQuestion.Adopt { Adoption: var adoption }:
                return sites.Serves(adoption.Overlay)
                    ? new NodeReply(await grains.SliceOf(question.Identity).Adopt(question.Identity, adoption))
                    : new NodeReply($"{adoption.Overlay} is not served here");

            case NodeQuestion.Call call:
                return new NodeReply(Answer: await CallAsync(call, cancellationToken));

            case NodeQuestion.Contest contest:
                await grains.SliceOf(question.Identity).RecordContest(question.Identity, contest.Contested);
                return new NodeReply();

            case NodeQuestion.Moved moved when sites.Serves(moved.From):
                await sites.MovedHereAsync(moved);
                return new NodeReply();

            default:
                throw new FormatException("it is about an overlay that is not served here");
        }
    }

    private async Task<AgentAnswer> CallAsync(NodeQuestion.Call call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.Action.MakeAsync(agent, call.Identity, call.Protocol, cancellationToken);
        }
        catch (Exception failure) when (
            failure is NodeSilentException or NodeRefusedException or NetworkUnavailableException or KeyUnprovenException)
        {
            return AgentAnswer.Of(failure);
        }
    }
}

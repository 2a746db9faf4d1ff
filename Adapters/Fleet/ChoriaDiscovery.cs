using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Choria's broadcast discovery on the provisioning network; nobody is found where there is none.</summary>
internal sealed class ChoriaDiscovery(NodeCalls calls, IOptions<FleetOptions> options, TimeProvider time) : IFleetDiscovery
{
    /// <summary>Answers that wait to be read; more nodes than that are found by the next sweep.</summary>
    private const int AnswersMax = 50_000;

    public async IAsyncEnumerable<DiscoveredNode> SweepAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!calls.Reaches(FleetStreams.ProvisioningNetwork))
        {
            yield break;
        }

        var answers = Channel.CreateBounded<DiscoveredNode>(
            new BoundedChannelOptions(AnswersMax) { FullMode = BoundedChannelFullMode.DropWrite });
        using var ping = await calls.PingAsync(
            FleetStreams.ProvisioningNetwork,
            ChoriaSubjects.ProvisioningCollective,
            ProvisionAgent.Name,
            SpokenProtocols.Of(options.Value),
            received => Take(received, answers.Writer),
            options.Value.DiscoveryWindow,
            cancellationToken);
        using var window = new CancellationTokenSource(options.Value.DiscoveryWindow, time);
        await using var closing = window.Token.Register(() => answers.Writer.TryComplete());

        await foreach (var node in answers.Reader.ReadAllAsync(cancellationToken))
        {
            yield return node;
        }
    }

    // Anybody on the network may answer in any name; one that no node may have is nobody's.
    private void Take(ReceivedReply received, ChannelWriter<DiscoveredNode> answers)
    {
        var identity = Discovery.ResponderOf(received);
        if (NodeIdentity.IsValid(identity))
        {
            answers.TryWrite(Found(received, identity));
        }
    }

    private DiscoveredNode Found(ReceivedReply received, string identity) => new(
        identity,
        received.Reply.Protocol == ChoriaProtocol.V1 ? NodeProtocol.V1 : NodeProtocol.V2,
        time.GetUtcNow());
}

using System.Security.Cryptography;
using ControlPlane.Placement;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Placement;

/// <summary>Asks the placement of another overlay by a NATS request on that overlay's network.</summary>
internal sealed class NatsPlacementLink(FleetConnections connections) : IPlacementLink
{
    public Task<LinkReply> AskAsync(string overlay, LinkRequest request, TimeSpan patience, CancellationToken cancellationToken) =>
        connections.Of(overlay) is [var connection, ..]
            ? AskAsync(connection, overlay, request, patience, cancellationToken)
            : throw new LeaderUnreachableException($"this silo has no connection to {overlay}; configure Fleet:Overlays:{overlay}");

    /// <exception cref="LeaderUnreachableException">No answer, or none that can be read.</exception>
    public static async Task<LinkReply> AskAsync(
        INatsConnection connection, string overlay, LinkRequest request, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            var inbox = LinkJson.AnswersOf(request.Region)
                .Replace("*", RandomNumberGenerator.GetHexString(32, lowercase: true), StringComparison.Ordinal);
            await using var answers = await connection.SubscribeCoreAsync<byte[]>(
                inbox, opts: new NatsSubOpts { MaxMsgs = 1, ThrowIfNoResponders = true }, cancellationToken: deadline.Token);
            await connection.PublishAsync(
                LinkJson.SubjectOf(request.Region, overlay), LinkJson.Write(request), replyTo: inbox, cancellationToken: deadline.Token);
            var reply = await answers.Msgs.ReadAsync(deadline.Token);
            return LinkJson.ReadOrNull<LinkReply>(reply.Data)
                ?? throw new LeaderUnreachableException($"the placement in {overlay} answered something that cannot be read");
        }
        catch (Exception lost) when (
            NatsFault.Is(lost) || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new LeaderUnreachableException($"the placement in {overlay} does not answer", lost);
        }
    }
}

using System.Security.Cryptography;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Asks another site by a NATS request on the network of its overlay.</summary>
internal sealed class NatsSiteLink(FleetConnections connections, IOptions<OverlaysOptions> overlays) : ISiteLink
{
    public Task<byte[]> AskAsync(
        string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken) =>
        connections.Of(site) is [var connection, ..]
            ? AskAsync(connection, overlays.Value.Region, site, channel, question, patience, cancellationToken)
            : throw new SiteUnreachableException($"this silo has no connection to {site}; configure Fleet:Overlays:{site}");

    /// <exception cref="SiteUnreachableException">No answer in time.</exception>
    public static async Task<byte[]> AskAsync(
        INatsConnection connection,
        string region,
        string site,
        string channel,
        byte[] question,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            var inbox = SiteSubjects.AnswersOf(region)
                .Replace("*", RandomNumberGenerator.GetHexString(32, lowercase: true), StringComparison.Ordinal);
            await using var answers = await connection.SubscribeCoreAsync<byte[]>(
                inbox, opts: new NatsSubOpts { MaxMsgs = 1, ThrowIfNoResponders = true }, cancellationToken: deadline.Token);
            await connection.PublishAsync(
                SiteSubjects.Of(region, site, channel), question, replyTo: inbox, cancellationToken: deadline.Token);
            return (await answers.Msgs.ReadAsync(deadline.Token)).Data ?? [];
        }
        catch (Exception lost) when (
            NatsFault.Is(lost) || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new SiteUnreachableException($"{site} does not answer", lost);
        }
    }
}

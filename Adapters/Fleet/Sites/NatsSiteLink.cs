using System.Security.Cryptography;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Asks another site by a NATS request on the network of its overlay.</summary>
internal sealed class NatsSiteLink(
    FleetConnections connections, IOptions<OverlaysOptions> overlays, SiteSeals seals, ILogger<NatsSiteLink> logger) : ISiteLink
{
    public Task<byte[]> AskAsync(
        string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken) =>
        connections.Of(site) is [var connection, ..]
            ? new SiteQuestions(connection, overlays.Value.Region, seals, logger)
                .AskAsync(site, channel, question, patience, cancellationToken)
            : throw new SiteUnreachableException($"this silo has no connection to {site}; configure Fleet:Overlays:{site}");
}

/// <summary>Asks other sites over one connection.</summary>
internal sealed partial class SiteQuestions(INatsConnection connection, string region, SiteSeals seals, ILogger logger)
{
    /// <summary>
    /// Whoever may hear a question may answer it. What is signed by somebody else is passed over, so often, before a question is given up.
    /// </summary>
    private const int AnswersMax = 16;

    /// <exception cref="SiteUnreachableException">No answer in time.</exception>
    public async Task<byte[]> AskAsync(
        string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        try
        {
            var seal = seals.SealQuestion(site, channel, question);
            var inbox = SiteSubjects.AnswersOf(region)
                .Replace("*", RandomNumberGenerator.GetHexString(32, lowercase: true), StringComparison.Ordinal);
            await using var answers = await connection.SubscribeCoreAsync<byte[]>(
                inbox, opts: new NatsSubOpts { MaxMsgs = AnswersMax, ThrowIfNoResponders = true }, cancellationToken: deadline.Token);
            await connection.PublishAsync(
                SiteSubjects.Of(region, site, channel), question, SiteHeaders.Of(seal), inbox, cancellationToken: deadline.Token);
            await foreach (var message in answers.Msgs.ReadAllAsync(deadline.Token))
            {
                var answer = message.Data ?? [];
                if (seals.AnswerFault(seal, site, channel, question, SiteHeaders.Read(message.Headers), answer) is not { } fault)
                {
                    return answer;
                }

                LogNotTaken(site, fault);
            }

            throw new SiteUnreachableException($"{AnswersMax} answers came in the name of {site}, none of them its own");
        }
        catch (Exception lost) when (
            NatsFault.Is(lost) || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new SiteUnreachableException($"{site} does not answer", lost);
        }
    }

    [LoggerMessage(LogLevel.Warning, "An answer in the name of site {Site} is not taken: {Reason}")]
    private partial void LogNotTaken(string site, string reason);
}

/// <summary>Where the signature of a message goes.</summary>
internal static class SiteHeaders
{
    public static NatsHeaders? Of(SiteSeal? seal) => seal is null ? null : new NatsHeaders { [SiteSeal.Header] = $"{seal}" };

    public static string? Read(NatsHeaders? headers) =>
        headers?.TryGetValue(SiteSeal.Header, out var values) == true && values is [var one] ? one : null;
}

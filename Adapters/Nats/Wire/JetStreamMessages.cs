using System.Text;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>Reads single messages of a JetStream stream without a consumer.</summary>
public static class JetStreamMessages
{
    private const int NotFound = 404;

    /// <summary>
    /// The first message from a sequence on that is on a subject, wildcards allowed; null when there is none, or no stream.
    /// </summary>
    public static Task<StoredMessage?> NextAsync(
        this NatsJSContext jetStream, string stream, ulong from, string subject, CancellationToken cancellationToken) =>
        AskAsync(jetStream, stream, new StreamMsgGetRequest { Seq = from, NextBySubj = subject }, cancellationToken);

    /// <summary>The message with a sequence; null when there is none, or no stream.</summary>
    public static Task<StoredMessage?> FindAsync(
        this NatsJSContext jetStream, string stream, ulong sequence, CancellationToken cancellationToken) =>
        AskAsync(jetStream, stream, new StreamMsgGetRequest { Seq = sequence }, cancellationToken);

    /// <summary>The last message on a subject; null when there is none, or no stream. Its leader answers, so that it is the last.</summary>
    public static Task<StoredMessage?> FindLastAsync(
        this NatsJSContext jetStream, string stream, string subject, CancellationToken cancellationToken) =>
        AskAsync(jetStream, stream, new StreamMsgGetRequest { LastBySubj = subject }, cancellationToken);

    /// <summary>Its headers, which the API gives as they are on the wire: a version line, then name: value.</summary>
    public static NatsHeaders ReadHeaders(this StoredMessage message)
    {
        var headers = new NatsHeaders();
        foreach (var line in Encoding.UTF8.GetString(Convert.FromBase64String(message.Hdrs ?? "")).Split("\r\n").Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                headers[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }

        return headers;
    }

    private static async Task<StoredMessage?> AskAsync(
        NatsJSContext jetStream, string stream, StreamMsgGetRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await jetStream.JSRequestResponseAsync<StreamMsgGetRequest, StreamMsgGetResponse>(
                $"{jetStream.Opts.Prefix}.STREAM.MSG.GET.{stream}", request, cancellationToken);
            return answer.Message;
        }
        catch (NatsJSApiException none) when (none.Error.Code == NotFound)
        {
            return null;
        }
    }
}

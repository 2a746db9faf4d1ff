using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>How a target ends.</summary>
/// <param name="Incarnation">Its time of creation.</param>
/// <param name="LastSequence">The sequence of the last message that there ever was: what the next one is to follow.</param>
/// <param name="Cursor">The last copy; null when it holds none.</param>
/// <param name="MessageBytesMax">The largest message that it takes, headers included.</param>
internal sealed record ReplicaEnd(string Incarnation, ulong LastSequence, ReplicaCursor? Cursor, long MessageBytesMax);

/// <summary>The side of a link that is written.</summary>
internal sealed class ReplicaTarget(NatsJSContext jetStream, ReplicaSettings settings)
{
    private const string Everything = ">";
    private const int NotFound = 404;

    /// <summary>Messages of somebody else at the end of a target behind which a copy is looked for.</summary>
    private const int ForeignMax = 256;

    private const long UnknownPayloadMax = 1 << 20;

    /// <summary>Makes it where it is missing, and finds its end.</summary>
    /// <exception cref="ReplicaFaultException">It is not there, does not take what it is to, or holds another link's copies.</exception>
    public async Task<ReplicaEnd> OpenAsync(CancellationToken cancellationToken)
    {
        var info = await GetAsync(cancellationToken);
        if (info.Config.Subjects?.Any(subject => JetStreamSubject.Matches(subject, settings.GapSubject)) != true)
        {
            throw new ReplicaFaultException(
                $"the target '{settings.Target}' takes no gap records: give it the subject {settings.GapSubject}");
        }

        var (last, cursor) = info.State.Messages == 0
            ? (info.State.LastSeq, null)
            : await FindLastAsync(info.State.FirstSeq, cancellationToken);
        return new ReplicaEnd(
            ReplicaCursor.IncarnationOf(info.Created),
            Math.Max(last, info.State.LastSeq),
            cursor,
            Math.Min(
                jetStream.Connection.ServerInfo?.MaxPayload ?? UnknownPayloadMax,
                info.Config.MaxMsgSize > 0 ? info.Config.MaxMsgSize : long.MaxValue));
    }

    private async Task<StreamInfo> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await jetStream.GetStreamAsync(settings.Target, cancellationToken: cancellationToken)).Info;
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == NotFound)
        {
            return settings.Creation is { } creation
                ? (await jetStream.CreateStreamAsync(creation, cancellationToken)).Info
                : throw new ReplicaFaultException($"the target has no stream '{settings.Target}', and it is not to be made", missing);
        }
    }

    // Its leader answers, so that it is the last. One that is looked at while others append is found out by the first publish.
    private async Task<(ulong Last, ReplicaCursor? Cursor)> FindLastAsync(ulong first, CancellationToken cancellationToken)
    {
        var message = await jetStream.FindLastAsync(settings.Target, Everything, cancellationToken);
        var last = message?.Seq ?? 0;
        for (var sequence = last; sequence >= first && sequence > 0; sequence--)
        {
            if (last - sequence >= ForeignMax)
            {
                throw new ReplicaFaultException($"the last {ForeignMax} messages of the target '{settings.Target}' are no copies");
            }

            message = sequence == last ? message : await jetStream.FindAsync(settings.Target, sequence, cancellationToken);
            if (message?.ReadHeaders().TryGetValue(ReplicaHeaders.Source, out var header) == true
                && ReplicaCursor.ReadOrNull(header.ToString()) is { } found)
            {
                return found.Link == settings.Name
                    ? (last, found.Cursor)
                    : throw new ReplicaFaultException(
                        $"the target '{settings.Target}' holds copies of the link '{found.Link}': each link has a target of its own");
            }
        }

        return (last, null);
    }
}

using System.Globalization;
using System.Text.Json;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>Small records kept on a server, each changed only by who has read its latest revision.</summary>
/// <remarks>
/// A JetStream stream that keeps the last message per subject, on subjects of our own: whoever may use streams may write to any
/// key-value bucket of NATS. It lies on the same server as what it speaks of, so that neither is ever restored without the other.
/// </remarks>
internal sealed class StateRegister(NatsJSContext jetStream, ProviderNames names, int replicas)
{
    private const int WrongLastSequence = 10071;
    private const int NameInUse = 10058;

    // A thousand partitions need one of it. Given because accounts can demand a limit of every stream.
    private const long BytesMax = 16L << 20;

    /// <summary>Makes the stream if the server does not have it.</summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        try
        {
            await jetStream.GetStreamAsync(names.StateJetStream, cancellationToken: cancellationToken);
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == 404)
        {
            await CreateAsync(cancellationToken);
        }
    }

    /// <summary>The record and its revision; null and 0 when there is none, or no register: a server may come back empty.</summary>
    public async Task<(T? Record, ulong Revision)> ReadAsync<T>(string key, CancellationToken cancellationToken)
        where T : class
    {
        var last = await jetStream.FindLastAsync(names.StateJetStream, names.StateSubject(key), cancellationToken);
        return last is null ? (null, 0) : (JsonSerializer.Deserialize<T>(last.Data.Span), last.Seq);
    }

    /// <summary>Writes the record and returns its new revision.</summary>
    /// <exception cref="RegisterConflictException">Somebody else has written since <paramref name="revision"/> was read.</exception>
    public async Task<ulong> WriteAsync<T>(string key, T record, ulong revision, CancellationToken cancellationToken)
    {
        var ack = await jetStream.PublishAsync(
            names.StateSubject(key),
            JsonSerializer.SerializeToUtf8Bytes(record),
            NatsRawSerializer<byte[]>.Default,
            headers: new NatsHeaders { ["Nats-Expected-Last-Subject-Sequence"] = revision.ToString(CultureInfo.InvariantCulture) },
            cancellationToken: cancellationToken);
        if (ack.Error is { ErrCode: WrongLastSequence })
        {
            throw new RegisterConflictException($"the record '{key}' was changed by somebody else");
        }

        ack.EnsureStored();
        return ack.Seq;
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await jetStream.CreateStreamAsync(
                new StreamConfig(names.StateJetStream, [names.StateSubjects])
                {
                    Description = "Orleans stream provider: positions and settings",
                    MaxMsgsPerSubject = 1,
                    MaxBytes = BytesMax,
                    NumReplicas = replicas,
                },
                cancellationToken);
        }
        catch (NatsJSApiException exists) when (exists.Error.ErrCode == NameInUse)
        {
            // Another silo was faster.
        }
    }
}

/// <summary>A record was changed between its reading and its writing.</summary>
internal sealed class RegisterConflictException(string message) : Exception(message);

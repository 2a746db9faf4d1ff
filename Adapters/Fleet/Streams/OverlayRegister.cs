using System.Runtime.CompilerServices;
using ControlPlane.Adapters.Nats;
using ControlPlane.Store;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>A register in a JetStream stream that keeps the last message of each subject.</summary>
internal sealed class OverlayRegister(OverlayStreams streams, string kind) : IRegister
{
    public Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken) =>
        streams.StoreAsync(
            kind, streams.SubjectOf(kind, area, key), content, id: null, expected, cancellationToken);

    public Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(kind, area, key);
        return streams.AskAsync(
            kind,
            async (store, limit) => await store.JetStream.FindLastAsync(store.Name, subject, limit) is { } last
                ? new RegisterEntry(key, last.Data, last.Seq)
                : null,
            cancellationToken);
    }

    public Task RemoveAsync(string area, string key, CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(kind, area, key);
        return streams.AskAsync(
            kind,
            async (store, limit) =>
            {
                await store.EnsureAsync(limit);
                return await store.JetStream.PurgeStreamAsync(store.Name, new StreamPurgeRequest { Filter = subject }, limit);
            },
            cancellationToken);
    }

    public async IAsyncEnumerable<RegisterEntry> ListAsync(string area, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subjects = streams.SubjectOf(kind, area, null);
        var reader = await streams.AskAsync(
            kind,
            (store, limit) => store.OpenAsync(
                last => (last.FilterSubject, last.DeliverPolicy) = (subjects, ConsumerConfigDeliverPolicy.LastPerSubject), limit),
            cancellationToken);
        await foreach (var message in streams.ReadAsync(
            kind, reader.ReadToEndAsync(cancellationToken), cancellationToken))
        {
            // Some may be what somebody else put there.
            if (OverlayStreams.NameOrNull(message.Subject) is { } key && message.Metadata is { } metadata)
            {
                yield return new RegisterEntry(key, message.Data ?? [], metadata.Sequence.Stream);
            }
        }
    }
}

using System.Runtime.CompilerServices;
using ControlPlane.Adapters.Nats;
using ControlPlane.Store;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>A register in a JetStream stream that keeps the last message of each subject.</summary>
internal sealed class OverlayRegister(OverlayStreams streams) : IRegister
{
    public Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken) =>
        streams.StoreAsync(
            OverlayStreams.State, streams.SubjectOf(OverlayStreams.State, area, key), content, id: null, expected, cancellationToken);

    public Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(OverlayStreams.State, area, key);
        return streams.AskAsync(
            OverlayStreams.State,
            async (store, limit) => await store.JetStream.FindLastAsync(store.Name, subject, limit) is { } last
                ? new RegisterEntry(key, last.Data, last.Seq)
                : null,
            cancellationToken);
    }

    public async IAsyncEnumerable<RegisterEntry> ListAsync(string area, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subjects = streams.SubjectOf(OverlayStreams.State, area, null);
        var reader = await streams.AskAsync(
            OverlayStreams.State,
            (store, limit) => store.OpenAsync(
                last => (last.FilterSubject, last.DeliverPolicy) = (subjects, ConsumerConfigDeliverPolicy.LastPerSubject), limit),
            cancellationToken);
        await foreach (var message in streams.ReadAsync(
            OverlayStreams.State, reader.ReadToEndAsync(cancellationToken), cancellationToken))
        {
            // Some may be what somebody else put there.
            if (OverlayStreams.NameOrNull(message.Subject) is { } key && message.Metadata is { } metadata)
            {
                yield return new RegisterEntry(key, message.Data ?? [], metadata.Sequence.Stream);
            }
        }
    }
}

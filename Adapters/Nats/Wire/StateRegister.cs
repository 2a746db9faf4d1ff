using System.Text.Json;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>Small records kept on a server, each changed only by who has read its latest revision.</summary>
/// <remarks>They lie on the same server as what they speak of, so that neither is ever restored without the other.</remarks>
internal sealed class StateRegister(NatsJSContext jetStream, ProviderNames names, int replicas)
{
    private readonly JetStreamStore _store = new(jetStream, ProviderStreams.State(names, replicas));

    /// <summary>Makes the stream if the server does not have it.</summary>
    public Task EnsureAsync(CancellationToken cancellationToken) => _store.GetStateAsync(cancellationToken);

    /// <summary>The record and its revision; null and 0 when there is none, or no register: a server may come back empty.</summary>
    public async Task<(T? Record, ulong Revision)> ReadAsync<T>(string key, CancellationToken cancellationToken)
        where T : class
    {
        var last = await jetStream.FindLastAsync(_store.Name, names.StateSubject(key), cancellationToken);
        return last is null ? (null, 0) : (JsonSerializer.Deserialize<T>(last.Data.Span), last.Seq);
    }

    /// <summary>Writes the record and returns its new revision.</summary>
    /// <exception cref="JetStreamConflictException">Somebody else has written since <paramref name="revision"/> was read.</exception>
    public Task<ulong> WriteAsync<T>(string key, T record, ulong revision, CancellationToken cancellationToken) => _store.StoreAsync(
        names.StateSubject(key), JsonSerializer.SerializeToUtf8Bytes(record), expected: revision, cancellationToken: cancellationToken);
}

using System.Runtime.CompilerServices;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>The dead letters of one stream provider. Registered as a keyed service, the key is the provider's name.</summary>
/// <remarks>Each source's dead letters lie on the source's own server, in a JetStream stream that ages (see the options).</remarks>
public sealed class JetStreamDeadLetters
{
    private readonly ProviderNames _names;
    private readonly IReadOnlyDictionary<string, NatsJSContext> _queues;

    internal JetStreamDeadLetters(ProviderParts parts)
    {
        _names = parts.Names;
        _queues = parts.Queues.ToDictionary(queue => queue.Name, queue => queue.JetStream, StringComparer.Ordinal);
    }

    /// <summary>The queues that can have dead letters: the sources' names, and those of the partition queues.</summary>
    public IReadOnlyCollection<string> Queues => [.. _queues.Keys];

    /// <summary>The dead letters of a queue, the oldest first.</summary>
    /// <param name="queue">The queue's name.</param>
    /// <param name="after">The id after which to begin; 0 for all.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    public async IAsyncEnumerable<DeadLetter> ListAsync(
        string queue, ulong after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var jetStream = JetStreamOf(queue);
        while (true)
        {
            var next = await jetStream.NextAsync(_names.DeadJetStream, after + 1, _names.DeadSubject(queue), cancellationToken);
            if (Read(next) is not { } letter)
            {
                yield break;
            }

            yield return letter;
            after = letter.Id;
        }
    }

    /// <summary>One dead letter; null when there is none with that id in that queue.</summary>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    public async Task<DeadLetter?> FindAsync(string queue, ulong id, CancellationToken cancellationToken = default)
    {
        var letter = Read(await JetStreamOf(queue).FindAsync(_names.DeadJetStream, id, cancellationToken));
        return letter?.Queue == queue ? letter : null;
    }

    /// <summary>
    /// Publishes a dead letter once more, on its subject and as it was, and removes it. Whoever listens to that subject hears it
    /// again. Repeated after a failure it is stored once: the server knows its message id for the stream's duplicate window.
    /// </summary>
    /// <returns>False when there is no such dead letter (any more).</returns>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    /// <exception cref="NatsException">The server did not store it; it is still a dead letter.</exception>
    public async Task<bool> ReplayAsync(string queue, ulong id, CancellationToken cancellationToken = default)
    {
        if (await FindAsync(queue, id, cancellationToken) is not { } letter)
        {
            return false;
        }

        var headers = new NatsHeaders();
        foreach (var (name, value) in letter.Headers)
        {
            headers[name] = value;
        }

        headers[JetStreamStore.MessageId] = $"replay:{_names.DeadJetStream}:{id}";
        var ack = await JetStreamOf(queue).PublishAsync(
            letter.Subject,
            letter.Payload.ToArray(),
            NatsRawSerializer<byte[]>.Default,
            headers: headers,
            cancellationToken: cancellationToken);
        ack.EnsureStored();
        await DropAsync(queue, id, cancellationToken);
        return true;
    }

    /// <summary>Removes a dead letter for good. Safe to repeat.</summary>
    /// <returns>False when there is no such dead letter (any more).</returns>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    public async Task<bool> DropAsync(string queue, ulong id, CancellationToken cancellationToken = default)
    {
        if (await FindAsync(queue, id, cancellationToken) is null)
        {
            return false;
        }

        var answer = await JetStreamOf(queue).DeleteMessageAsync(
            _names.DeadJetStream, new StreamMsgDeleteRequest { Seq = id }, cancellationToken);
        return answer.Success;
    }

    private NatsJSContext JetStreamOf(string queue) =>
        _queues.TryGetValue(queue, out var jetStream)
            ? jetStream
            : throw new ArgumentException($"there is no queue '{queue}'; there are: {string.Join(", ", _queues.Keys)}", nameof(queue));

    private static DeadLetter? Read(StoredMessage? stored) => stored is null
        ? null
        : DeadLetterHeaders.Read(
            stored.Seq,
            stored.ReadHeaders().ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.Ordinal),
            stored.Data,
            stored.Time);
}

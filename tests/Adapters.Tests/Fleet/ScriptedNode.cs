using ControlPlane.Adapters.Choria;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Answers a node's requests as a test says: any number of replies, of whomever, signed or not.</summary>
internal sealed class ScriptedNode : IAsyncDisposable
{
    private readonly NatsConnection connection;
    private readonly CancellationTokenSource closing = new();
    private readonly Task reading;

    private ScriptedNode(NatsConnection connection, INatsSub<byte[]> requests, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer)
    {
        this.connection = connection;
        reading = ReadAsync(requests, answer);
    }

    /// <summary>How many requests came.</summary>
    public int Requests { get; private set; }

    public static Task<ScriptedNode> StartAsync(
        string url, string collective, string identity, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer) =>
        ListenAsync(url, ChoriaSubjects.Node(collective, identity), answer);

    /// <summary>The same for what all nodes hear, or the instances of a service agent.</summary>
    public static async Task<ScriptedNode> ListenAsync(
        string url, string subject, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer)
    {
        var connection = new NatsConnection(new NatsOpts { Url = url });
        var requests = await connection.SubscribeCoreAsync<byte[]>(subject);
        await connection.PingAsync();
        return new ScriptedNode(connection, requests, answer);
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await connection.DisposeAsync();
        closing.Dispose();
    }

    private async Task ReadAsync(INatsSub<byte[]> requests, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer)
    {
        await foreach (var message in requests.Msgs.ReadAllAsync(closing.Token))
        {
            Requests++;
            if (!ChoriaEnvelope.TryDecodeRequest(message.Data!, out var received, out var fault))
            {
                throw new InvalidOperationException($"the adapter sent what is no request: {fault}");
            }

            foreach (var reply in answer(received))
            {
                var made = ChoriaReply.To(received.Request, reply.Sender, reply.At ?? TimeProvider.System.GetUtcNow(), reply.Body);
                var payload = ChoriaEnvelope.EncodeReply(made, received.Headers.ForReply(reply.Sender), reply.Signer);
                await connection.PublishAsync(received.Headers.ReplySubject!, payload);
            }
        }
    }
}

/// <param name="Sender">Who says to have answered.</param>
/// <param name="Body">An encoded <see cref="RpcReply"/>.</param>
internal sealed record ScriptedReply(string Sender, byte[] Body)
{
    public ReplySigner? Signer { get; init; }

    /// <summary>When it says to have been made; now when null.</summary>
    public DateTimeOffset? At { get; init; }
}

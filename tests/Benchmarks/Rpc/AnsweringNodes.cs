using System.Globalization;
using ControlPlane.Adapters.Choria;
using NATS.Client.Core;

namespace ControlPlane.Benchmarks.Rpc;

/// <summary>
/// Nodes that do nothing but answer, as cheaply as can be: a few connections for all of them, and one key, so that a reply costs them a
/// signature and no more. Their tokens are of their own.
/// </summary>
internal sealed class AnsweringNodes : IAsyncDisposable
{
    private const int Connections = 2;
    private const string Subject = "choria.node.";

    private readonly NatsConnection[] connections;
    private readonly CancellationTokenSource closing = new();
    private readonly Dictionary<string, ReplySigner>? signers;
    private readonly Task[] answering;

    private AnsweringNodes(NatsConnection[] connections, INatsSub<byte[]>[] requests, Dictionary<string, ReplySigner>? signers)
    {
        (this.connections, this.signers) = (connections, signers);
        answering = [.. connections.Zip(requests, AnswerAsync)];
    }

    public static string IdentityOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"node{number:00000}.{number % Connections}.bench.example.net");

    public static async Task<AnsweringNodes> StartAsync(
        string url, int nodes, Ed25519Key key, Ed25519Key? issuer, CancellationToken cancellationToken)
    {
        var connections = Enumerable.Range(0, Connections)
            .Select(_ => new NatsConnection(new NatsOpts { Url = url, SubPendingChannelCapacity = nodes * 2 })).ToArray();
        var requests = new INatsSub<byte[]>[Connections];
        for (var number = 0; number < Connections; number++)
        {
            requests[number] = await connections[number].SubscribeCoreAsync<byte[]>(
                $"{Subject}*.{number}.>", cancellationToken: cancellationToken);
            await connections[number].PingAsync(cancellationToken);
        }

        return new AnsweringNodes(connections, requests, issuer is null ? null : Signers(nodes, key, issuer));
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await Task.WhenAll(answering).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var connection in connections)
        {
            await connection.DisposeAsync();
        }

        closing.Dispose();
    }

    private static Dictionary<string, ReplySigner> Signers(int nodes, Ed25519Key key, Ed25519Key issuer)
    {
        var tokens = TokenIssuer.Organization(issuer);
        var now = TimeProvider.System.GetUtcNow();
        return Enumerable.Range(0, nodes).Select(IdentityOf).ToDictionary(identity => identity, identity => new ReplySigner(
            key,
            tokens.Issue(
                new ServerClaims { Identity = identity, Collectives = ["choria"], PublicKey = key.PublicKeyHex },
                TimeSpan.FromHours(1),
                now)));
    }

    private async Task AnswerAsync(NatsConnection connection, INatsSub<byte[]> requests)
    {
        await Task.Yield();
        byte[] last = [];
        ReceivedRequest? received = null;
        var pong = RpcutilAgent.Ping.EncodeReply(new PingOutput(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));
        await foreach (var message in requests.Msgs.ReadAllAsync(closing.Token))
        {
            if (!message.Data.AsSpan().SequenceEqual(last))
            {
                last = message.Data!;
                if (!ChoriaEnvelope.TryDecodeRequest(last, out received, out var fault))
                {
                    throw new InvalidOperationException($"{fault}");
                }
            }

            var identity = message.Subject[Subject.Length..];
            var reply = ChoriaReply.To(received!.Request, identity, TimeProvider.System.GetUtcNow(), pong);
            var payload = ChoriaEnvelope.EncodeReply(reply, received.Headers.ForReply(identity), signers?[identity]);
            await connection.PublishAsync(received.Headers.ReplySubject!, payload, cancellationToken: closing.Token);
        }
    }
}

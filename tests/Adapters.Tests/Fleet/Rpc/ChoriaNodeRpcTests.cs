using System.Collections.Concurrent;
using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet.Rpc;

/// <summary>One request to many nodes over a real broker, answered as badly as a network can.</summary>
public sealed class ChoriaNodeRpcTests : IAsyncLifetime
{
    private const string Web1 = "web1.example.net";
    private const string Web2 = "web2.example.net";
    private const string Web3 = "web3.example.net";

    private readonly Ed25519Key key = Ed25519Key.FromSeedHex(new string('5', 64));
    private readonly Ed25519Key stranger = Ed25519Key.FromSeedHex(new string('6', 64));
    private RpcStage stage = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => stage = await RpcStage.StartAsync(Cancelled);

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        key.Dispose();
        stranger.Dispose();
    }

    [Fact]
    public async Task SendAsync_AsksNodesOfBothProtocols_WithOneSignatureForEach_AndEachOnce()
    {
        var asked = new ConcurrentQueue<ReceivedRequest>();
        await using var one = await stage.NodeAsync(Web1, request => Note(request, asked, Signed(Web1)));
        await using var two = await stage.NodeAsync(Web2, request => Note(request, asked, Signed(Web2)));
        await using var three = await stage.NodeAsync(Web3, request => Note(request, asked, RpcStage.Pong(Web3)));
        await using var request = stage.Rpc.Open(RpcStage.Ping);

        var sent = await request.SendAsync([RpcStage.V2(Web1), RpcStage.V2(Web2), RpcStage.V1(Web3)], Cancelled);
        var again = await request.SendAsync([RpcStage.V2(Web1), RpcStage.V1(Web3)], Cancelled);
        var replies = await RpcStage.ReadAsync(request, 3, Cancelled);

        Assert.Equal((3, 2), (sent, again));
        Assert.Equal([Web1, Web2, Web3], replies.Select(reply => reply.Identity).Order(StringComparer.Ordinal));
        Assert.All(replies, reply => Assert.Equal((0, "OK", """{"pong":1}"""), (reply.StatusCode, reply.Message, Text(reply))));
        Assert.Equal(2, asked.Select(one => one.Request.Id).Distinct().Count());
        Assert.Equal(3, asked.Count);
        Assert.Equal([ChoriaProtocol.V1, ChoriaProtocol.V2], asked.Select(one => one.Request.Protocol).Distinct().Order());
        Assert.Equal(new RpcDropped(0, 0, 0), request.Dropped);
    }

    [Fact]
    public async Task Replies_AreTaken_OnlyFromWhoWasAsked_AndWithTheNodesOwnSignature()
    {
        await using var node = await stage.NodeAsync(Web1, _ =>
        [
            RpcStage.Pong(Web1, "unsigned"),
            RpcStage.Pong(Web1, "a stranger's") with { Signer = stage.SignerOf(Web1, key) with { Key = stranger } },
            RpcStage.Pong(Web1, "another's token") with { Signer = stage.SignerOf(Web2, key) },
            Signed(Web1) with { At = TimeProvider.System.GetUtcNow().AddDays(-1) },
            Signed(Web2),
            Signed(Web1),
        ]);
        await using var request = stage.Rpc.Open(RpcStage.Ping);

        await request.SendAsync([RpcStage.V2(Web1)], Cancelled);
        var reply = Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));

        Assert.Equal((Web1, "OK"), (reply.Identity, reply.Message));
        await UntilAsync(() => request.Dropped == new RpcDropped(Unexpected: 1, Duplicates: 0, Unverified: 4));
    }

    [Fact]
    public async Task Replies_ToAnotherRequest_AndWhatIsNoReply_AreDropped()
    {
        ReceivedRequest? asked = null;
        await using var node = await stage.NodeAsync(Web1, request =>
        {
            asked = request;
            return [];
        });
        await using var request = stage.Rpc.Open(RpcStage.Ping);
        await request.SendAsync([RpcStage.V2(Web1)], Cancelled);
        await UntilAsync(() => asked is not null);
        await using var other = new NatsConnection(new NatsOpts { Url = stage.Broker.Url });
        var subject = asked!.Headers.ReplySubject!;

        await other.PublishAsync(subject, "no reply at all"u8.ToArray(), cancellationToken: Cancelled);
        await AnswerAsync(other, asked with { Request = asked.Request with { Id = Ksuid.New(TimeProvider.System.GetUtcNow()) } }, subject);
        await AnswerAsync(other, asked, subject);

        Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));
        await UntilAsync(() => request.Dropped == new RpcDropped(Unexpected: 1, Duplicates: 0, Unverified: 1));
    }

    [Fact]
    public async Task Replies_InV1_AreNobodys_WhenTheNodeWasAskedInV2()
    {
        // In V1 nothing is signed: whoever hears the request of a V1 node could answer it in any name.
        ReceivedRequest? asked = null;
        await using var victim = await stage.NodeAsync(Web1, _ => []);
        await using var node = await stage.NodeAsync(Web2, request =>
        {
            asked = request;
            return [RpcStage.Pong(Web1, "forged"), RpcStage.Pong(Web2)];
        });
        await using var request = stage.Rpc.Open(RpcStage.Ping);

        await request.SendAsync([RpcStage.V2(Web1), RpcStage.V1(Web2)], Cancelled);

        Assert.Equal(Web2, Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled)).Identity);
        await UntilAsync(() => request.Dropped == new RpcDropped(Unexpected: 1, Duplicates: 0, Unverified: 0));
    }

    [Fact]
    public async Task Replies_OfOneNode_AreTakenOnce_AndLateOnesToo_UntilTheRequestIsDisposed()
    {
        ReceivedRequest? asked = null;
        await using var node = await stage.NodeAsync(Web1, request =>
        {
            asked = request;
            return [Signed(Web1), Signed(Web1), Signed(Web1)];
        });
        await using var late = await stage.NodeAsync(Web2, _ => []);
        await using var other = new NatsConnection(new NatsOpts { Url = stage.Broker.Url });
        var request = stage.Rpc.Open(RpcStage.Ping);
        await request.SendAsync([RpcStage.V2(Web1), RpcStage.V2(Web2)], Cancelled);
        Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));
        await UntilAsync(() => request.Dropped.Duplicates == 2);

        await AnswerAsync(other, asked!, asked!.Headers.ReplySubject!, Web2);
        Assert.Equal(Web2, Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled)).Identity);
        await request.DisposeAsync();
        await AnswerAsync(other, asked, asked.Headers.ReplySubject!, Web2);

        Assert.Empty(await RpcStage.ReadAsync(request, 1, Cancelled));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => request.SendAsync([RpcStage.V2(Web3)], Cancelled));
    }

    [Fact]
    public async Task SendAsync_SaysHowManyWereDealtWith_WhenTheBrokerGoesAway_AndTheRestCanBeSentLater()
    {
        await using var request = stage.Rpc.Open(RpcStage.Ping);
        Assert.Equal(1, await request.SendAsync([RpcStage.V2(Web1)], Cancelled));
        await stage.Broker.KillAsync();
        await UntilAsync(() => stage.Parts.Connections.Of(FleetParts.Overlay)[0].ConnectionState != NatsConnectionState.Open);

        await Assert.ThrowsAsync<NetworkUnavailableException>(() => request.SendAsync([RpcStage.V2(Web2)], Cancelled));

        await stage.Broker.RestartAsync(Cancelled);
        await using var node = await stage.NodeAsync(Web2, _ => [Signed(Web2)]);
        await UntilAsync(async () => await SendsAsync(request, Web2));
        Assert.Equal(Web2, Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled)).Identity);
        Assert.Equal(1, node.Requests);
    }

    [Fact]
    public async Task BroadcastAsync_ReachesWhomTheFilterFits_AndTakesOnlyExpectedReplies()
    {
        ReceivedRequest? asked = null;
        await using var all = await BroadcastNodeAsync("rpcutil", request =>
        {
            asked = request;
            return [Signed(Web1), Signed(Web2)];
        });
        await using var request = stage.Rpc.Open(RpcStage.Ping);
        var filter = new RpcFilter(["os.family=RedHat"], ["role::web"], ["rpcutil"], ["/^web/"], ["with('a')", "with('b')"]);

        await request.BroadcastAsync(filter, [Web2], Cancelled);
        var reply = Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));

        Assert.Equal(Web2, reply.Identity);
        var sent = asked!.Request.Filter;
        Assert.Equal(new FactFilter("os.family", "==", "RedHat"), Assert.Single(sent.Facts));
        Assert.Equal(["role::web", "rpcutil", "/^web/"], sent.Classes.Concat(sent.Agents).Concat(sent.Identities));
        Assert.Equal("(with('a')) and (with('b'))", Assert.Single(sent.Expressions));
        await UntilAsync(() => request.Dropped.Unexpected == 1);
    }

    [Fact]
    public async Task Open_SendsRepliesElsewhere_WhenASubjectSaysWhere()
    {
        await using var node = await stage.NodeAsync(Web1, _ => [Signed(Web1)]);
        await using var other = new NatsConnection(new NatsOpts { Url = stage.Broker.Url });
        await using var stream = await other.SubscribeCoreAsync<byte[]>("choria.reply.results.job7", cancellationToken: Cancelled);
        await other.PingAsync(Cancelled);
        await using var request = stage.Rpc.Open(RpcStage.Ping with { ReplySubject = "choria.reply.results.job7" });

        await request.SendAsync([RpcStage.V2(Web1)], Cancelled);

        var stored = await stream.Msgs.ReadAsync(Cancelled);
        Assert.True(ChoriaEnvelope.TryDecodeReply(stored.Data!, out var reply, out _));
        Assert.Equal(Web1, reply.Reply.Sender);
        Assert.Empty(await RpcStage.ReadAsync(request, 1, Cancelled));
    }

    [Fact]
    public async Task AskServiceAsync_TakesTheAnswerOfAnyInstance_AndTellsSilence()
    {
        var asked = new ConcurrentQueue<ReceivedRequest>();
        await using var instance = await ServiceAsync("choria_registry", request =>
        {
            asked.Enqueue(request);
            return asked.Count == 1 ? [Signed(Web3)] : [];
        });

        var reply = await stage.Rpc.AskServiceAsync(
            FleetParts.Overlay, "choria_registry", "names", """{"plugin_type":"agent"}"""u8.ToArray(), TimeSpan.FromSeconds(60), Cancelled);
        await Assert.ThrowsAsync<NodeSilentException>(() => stage.Rpc.AskServiceAsync(
            FleetParts.Overlay, "choria_registry", "names", ReadOnlyMemory<byte>.Empty, TimeSpan.FromMilliseconds(300), Cancelled));

        Assert.Equal(Web3, reply.Identity);
        Assert.True(asked.TryPeek(out var first) && first.Request.Filter.IsEmpty);
        Assert.True(RpcRequest.TryDecode(first!.Request.Body, out var call, out _));
        Assert.Equal(("choria_registry", "names"), (call.Agent, call.Action));
        Assert.Equal("""{"plugin_type":"agent"}""", Encoding.UTF8.GetString(call.Data.Span));
    }

    [Fact]
    public async Task DiscoverAsync_FindsWhoAnswersWithProof_OnceEach()
    {
        ReceivedRequest? asked = null;
        await using var all = await BroadcastNodeAsync(Discovery.Agent, request =>
        {
            asked = request.Request.Protocol == ChoriaProtocol.V2 ? request : asked;
            return request.Request.Protocol == ChoriaProtocol.V1
                ? [Found(Web3)]
                : [SignedFound(Web2), SignedFound(Web2), Found(Web1)];
        });

        var found = await stage.Rpc.DiscoverAsync(
            FleetParts.Overlay, RpcFilter.Everyone with { Facts = ["cpus>=4"] }, TimeSpan.FromSeconds(3), Cancelled);

        Assert.Equal([Web2, Web3], found);
        Assert.Equal(new FactFilter("cpus", ">=", "4"), Assert.Single(asked!.Request.Filter.Facts));
    }

    [Theory]
    [InlineData("rpc util", "ping", "{}")]
    [InlineData("rpcutil", "", "{}")]
    [InlineData("rpcutil", "ping", "[1]")]
    [InlineData("rpcutil", "ping", "{")]
    public void Open_Refuses_AMalformedCall(string agent, string action, string inputs) =>
        Assert.ThrowsAny<ArgumentException>(
            () => stage.Rpc.Open(new RpcCall(FleetParts.Overlay, agent, action, Encoding.UTF8.GetBytes(inputs))));

    [Fact]
    public async Task SendAsync_NamesTheSetting_WhenWeCannotSignForAProtocol_OrReachTheOverlay()
    {
        await using var half = await RpcStage.StartAsync(Cancelled, canSignV1: false);
        await using var request = half.Rpc.Open(RpcStage.Ping);
        await using var elsewhere = half.Rpc.Open(RpcStage.Ping with { Overlay = "paris" });

        var unsigned = await Assert.ThrowsAsync<NetworkUnavailableException>(() => request.SendAsync([RpcStage.V1(Web1)], Cancelled));
        var unreached = await Assert.ThrowsAsync<NetworkUnavailableException>(() => elsewhere.SendAsync([RpcStage.V2(Web1)], Cancelled));
        var malformed = await Assert.ThrowsAsync<ArgumentException>(() => request.SendAsync([RpcStage.V2("web1.>")], Cancelled));

        Assert.Contains("Fleet:CallerProof with CertificateFile", unsigned.Message, StringComparison.Ordinal);
        Assert.Contains("Fleet:Overlays", unreached.Message, StringComparison.Ordinal);
        Assert.Contains("web1.>", malformed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SendAsync_SignsAnew_WhenHalfOfTheTimeToLiveIsOver_AndTakesRepliesToBoth()
    {
        var time = new LaterTime();
        await using var later = await RpcStage.StartAsync(Cancelled, time: time);
        var asked = new ConcurrentQueue<ReceivedRequest>();
        await using var silent = await later.NodeAsync(Web1, one => Note(one, asked));
        await using var two = await later.NodeAsync(Web2, one => Note(one, asked, Of(later, Web2)));
        await using var three = await later.NodeAsync(Web3, one => Note(one, asked, Of(later, Web3)));
        await using var request = later.Rpc.Open(RpcStage.Ping);

        await request.SendAsync([RpcStage.V2(Web1)], Cancelled);
        time.Later = TimeSpan.FromSeconds(29);
        await request.SendAsync([RpcStage.V2(Web2)], Cancelled);
        Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));
        time.Later = TimeSpan.FromSeconds(31);
        await request.SendAsync([RpcStage.V2(Web3)], Cancelled);
        Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled));

        Assert.Equal(2, asked.Select(one => one.Request.Id).Distinct().Count());
        await using var other = new NatsConnection(new NatsOpts { Url = later.Broker.Url });
        Assert.True(asked.TryPeek(out var first));
        var late = ChoriaReply.To(first.Request, Web1, TimeProvider.System.GetUtcNow(), RpcStage.Pong(Web1).Body);
        var payload = ChoriaEnvelope.EncodeReply(late, first.Headers.ForReply(Web1), later.SignerOf(Web1, key));
        await other.PublishAsync(first.Headers.ReplySubject!, payload, cancellationToken: Cancelled);
        Assert.Equal(Web1, Assert.Single(await RpcStage.ReadAsync(request, 1, Cancelled)).Identity);
    }

    private ScriptedReply Of(RpcStage one, string identity) => RpcStage.Pong(identity) with { Signer = one.SignerOf(identity, key) };

    private static ScriptedReply[] Note(
        ReceivedRequest request, ConcurrentQueue<ReceivedRequest> asked, params ScriptedReply[] replies)
    {
        asked.Enqueue(request);
        return replies;
    }

    private static ScriptedReply Found(string identity) => new(identity, Discovery.Pong.ToArray());

    private ScriptedReply SignedFound(string identity) => Found(identity) with { Signer = stage.SignerOf(identity, key) };

    private static string Text(RpcNodeReply reply) => Encoding.UTF8.GetString(reply.DataJson.Span);

    private ScriptedReply Signed(string identity) => RpcStage.Pong(identity) with { Signer = stage.SignerOf(identity, key) };

    private async Task AnswerAsync(NatsConnection connection, ReceivedRequest asked, string subject, string sender = Web1)
    {
        var reply = ChoriaReply.To(asked.Request, sender, TimeProvider.System.GetUtcNow(), RpcStage.Pong(sender).Body);
        var payload = ChoriaEnvelope.EncodeReply(reply, asked.Headers.ForReply(sender), stage.SignerOf(sender, key));
        await connection.PublishAsync(subject, payload, cancellationToken: Cancelled);
        await connection.PingAsync(Cancelled);
    }

    private static async Task<bool> SendsAsync(IRpcRequest request, string identity)
    {
        try
        {
            return await request.SendAsync([RpcStage.V2(identity)], Cancelled) == 1;
        }
        catch (NetworkUnavailableException)
        {
            return false;
        }
    }

    private Task<ScriptedNode> BroadcastNodeAsync(string agent, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer) =>
        ScriptedNode.ListenAsync(stage.Broker.Url, ChoriaSubjects.Broadcast("choria", agent), answer);

    private Task<ScriptedNode> ServiceAsync(string agent, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer) =>
        ScriptedNode.ListenAsync(stage.Broker.Url, ChoriaSubjects.ServiceAgent("choria", agent), answer);

    private static Task UntilAsync(Func<bool> isSo) => UntilAsync(() => Task.FromResult(isSo()));

    private static Task UntilAsync(Func<Task<bool>> isSo) => Readiness.UntilAsync(_ => isSo(), "what the test waits for", Cancelled);

    /// <summary>The system's clock, and so much later.</summary>
    private sealed class LaterTime : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Later.TotalSeconds * TimestampFrequency);
    }
}

using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Calls over a real broker, answered as badly as a network can.</summary>
public sealed class NodeCallsTests : IAsyncLifetime
{
    private const string Node = "web1.example.net";
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private NatsServer broker = null!;
    private FleetParts parts = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await NatsServer.StartAsync(new NatsServerSettings(), Cancelled);
        parts = new FleetParts(broker.Url, broker.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await parts.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Theory]
    [InlineData(ChoriaProtocol.V1)]
    [InlineData(ChoriaProtocol.V2)]
    public async Task CallAsync_TakesTheFirstReply_AndDuplicatesAreHarmless(ChoriaProtocol protocol)
    {
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, _ => [Reply("one"), Reply("two"), Reply("two")]);

        for (var call = 0; call < 3; call++)
        {
            var (spoken, reply) = await parts.Calls.CallAsync(Call(protocol, Long), Cancelled);
            Assert.Equal((protocol, "one"), (spoken, reply.StatusMessage));
        }

        Assert.Equal(3, node.Requests);
    }

    [Fact]
    public async Task CallAsync_TellsTheNodesGrain_WhenOneRequestGetsTwoAnswers_HoweverLate()
    {
        ReceivedRequest? asked = null;
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, request =>
        {
            asked = request;
            return [Reply("one"), Reply("one")];
        });
        await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long) with { IsContestable = true }, Cancelled);
        await using var other = new NATS.Client.Core.NatsConnection(new NATS.Client.Core.NatsOpts { Url = broker.Url });

        foreach (var late in new[] { "one", "two", "three" })
        {
            var forged = ChoriaReply.To(asked!.Request, Node, TimeProvider.System.GetUtcNow(), Reply(late).Body);
            await other.PublishAsync(
                asked.Headers.ReplySubject!,
                ChoriaEnvelope.EncodeReply(forged, asked.Headers.ForReply(Node)),
                cancellationToken: Cancelled);
        }

        await parts.UntilToldAsync(Cancelled);
        await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long), Cancelled);

        var (identity, contested) = Assert.Single(parts.Contested);
        Assert.Equal((Node, "jwt"), (identity, contested.Action));
        Assert.True(contested.At >= contested.AskedAt);
    }

    [Fact]
    public async Task CallAsync_TakesTwoProtocolsAnswers_ForOneNodes()
    {
        await using var node = await AnswerAsync(
            ChoriaSubjects.ProvisioningCollective, request => [Reply($"in {request.Request.Protocol}")]);
        var both = new Dictionary<ChoriaProtocol, RequestSigner>
        {
            [ChoriaProtocol.V1] = RequestSigner.Insecure, [ChoriaProtocol.V2] = RequestSigner.Insecure,
        };
        await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long) with { IsContestable = true, Signers = both }, Cancelled);

        // Its reply comes behind the other protocol's.
        await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long), Cancelled);

        Assert.Empty(parts.Contested);
    }

    [Theory]
    [InlineData("jwt")]
    [InlineData("gen25519")]
    [InlineData("gencsr")]
    public async Task Agent_LetsNobodyElseAnswer_WhereAMachineSaysWhoItIs(string action)
    {
        await using var node = await AnswerAsync(
            ChoriaSubjects.ProvisioningCollective,
            _ => [Reply("one"), Reply("two")]);

        await Assert.ThrowsAnyAsync<Exception>(() => action switch
        {
            "jwt" => parts.Agent.FetchTokenAsync(Node, NodeProtocol.V2, Cancelled),
            "gen25519" => parts.Agent.MakeEd25519KeyAsync(Node, NodeProtocol.V2, Cancelled),
            _ => parts.Agent.MakeSigningRequestAsync(Node, NodeProtocol.V2, Cancelled),
        });

        await parts.UntilToldAsync(Cancelled);
        Assert.Equal(action, Assert.Single(parts.Contested).Contested.Action);
    }

    [Fact]
    public async Task CallAsync_TellsThatTheNodeIsSilent_AndALateReplyHarmsNoLaterCall()
    {
        // The node answers what it was asked before: the reply to the first request comes while the second waits.
        ReceivedRequest? first = null;
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, request =>
        {
            first ??= request;
            return first == request ? [] : [Reply("right")];
        });

        var silent = await Assert.ThrowsAsync<NodeSilentException>(() => parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Short), Cancelled));
        Assert.Contains("choria_provision#jwt", silent.Message, StringComparison.Ordinal);

        // On a busy machine it is asked after we gave up.
        await Readiness.UntilAsync(_ => Task.FromResult(first is not null), "the node was asked", Cancelled);
        var late = ChoriaReply.To(first!.Request, Node, TimeProvider.System.GetUtcNow(), RpcReply.Ok("jwt", "{}"u8.ToArray()).Encode());
        await using var other = new NATS.Client.Core.NatsConnection(new NATS.Client.Core.NatsOpts { Url = broker.Url });
        await other.PublishAsync(
            first.Headers.ReplySubject!, ChoriaEnvelope.EncodeReply(late, first.Headers.ForReply(Node)), cancellationToken: Cancelled);
        await other.PublishAsync(first.Headers.ReplySubject!, Encoding.UTF8.GetBytes("no reply at all"), cancellationToken: Cancelled);

        var (_, reply) = await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long), Cancelled);
        Assert.Equal("right", reply.StatusMessage);
    }

    [Fact]
    public async Task CallAsync_DropsTheReplyOfAnotherNode_AndSaysSo_WhenNoOtherCame()
    {
        await using var node = await AnswerAsync(
            ChoriaSubjects.ProvisioningCollective, _ => [Reply("forged") with { Sender = "evil.example.net" }]);

        // On a busy machine the request is not sent in time, or the reply comes after we gave up: then it is waited for longer.
        Exception? fault;
        var patience = Short;
        do
        {
            fault = await Record.ExceptionAsync(() => parts.Calls.CallAsync(Call(ChoriaProtocol.V1, patience), Cancelled));
            patience *= 2;
        }
        while (patience < Long && fault?.Message.Contains("not believed", StringComparison.Ordinal) != true);

        var silent = Assert.IsType<NodeSilentException>(fault);
        Assert.Contains("it is of another node than was asked", silent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CallAsync_BelievesInAnOverlay_OnlyWhatTheNodesKeySigned()
    {
        using var key = Ed25519Key.FromSeedHex(new string('5', 64));
        using var stranger = Ed25519Key.FromSeedHex(new string('6', 64));
        var token = ServerToken(Node, key);
        await using var node = await AnswerAsync("choria", _ =>
        [
            Reply("unsigned"),
            Reply("signed by a stranger") with { Signer = new ReplySigner(stranger, token) },
            Reply("with the token of another") with { Signer = new ReplySigner(key, ServerToken("web2.example.net", key)) },
            Reply("of an hour ago") with { Signer = new ReplySigner(key, token), At = TimeProvider.System.GetUtcNow().AddHours(-1) },
            Reply("true") with { Signer = new ReplySigner(key, token) },
        ]);

        var call = Call(ChoriaProtocol.V2, Long) with { Network = FleetParts.Overlay, Collective = "choria" };
        var (_, reply) = await parts.Calls.CallAsync(call, Cancelled);

        Assert.Equal("true", reply.StatusMessage);
        Assert.Equal(key.PublicKeyHex, (await parts.Calls.AskAsync(call, Cancelled)).Key);
    }

    [Fact]
    public async Task AskAsync_EndsInTime_WhileTheBrokerIsAway()
    {
        await using var alone = new FleetParts(broker.Url, "nats://127.0.0.1:1");
        var call = Call(ChoriaProtocol.V2, Short) with { Network = FleetParts.Overlay, Collective = "choria" };

        await Assert.ThrowsAsync<NetworkUnavailableException>(() => alone.Calls.AskAsync(call, Cancelled).WaitAsync(Long, Cancelled));
    }

    [Fact]
    public async Task CallAsync_DoesNotCallTheNodeSilent_WhenTheBrokerWentAwayMeanwhile()
    {
        await Assert.ThrowsAsync<NodeSilentException>(() => parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Short), Cancelled));
        var asked = new TaskCompletionSource();
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, _ =>
        {
            asked.SetResult();
            return [];
        });

        var call = parts.Calls.CallAsync(Call(ChoriaProtocol.V2, TimeSpan.FromSeconds(3)), Cancelled);
        await asked.Task.WaitAsync(Long, Cancelled);
        await broker.KillAsync();

        await Assert.ThrowsAsync<NetworkUnavailableException>(() => call);
    }

    [Theory]
    [InlineData("{\"purpose\":\"choria_server\",\"exp\":4102444800,\"collectives\":[\"choria\"]}")]
    [InlineData("{\"purpose\":\"choria_server\",\"exp\":4102444800,\"identity\":\"web1.example.net\"}")]
    [InlineData("{\"purpose\":\"choria_server\",\"exp\":4102444800,\"identity\":\"web1.example.net\",\"collectives\":[\"choria\"]}")]
    public async Task CallAsync_HearsTheNextReply_AfterOneWhoseTokenLacksAClaim(string claims)
    {
        using var key = Ed25519Key.FromSeedHex(new string('5', 64));
        var lacking = TokenText.Write("EdDSA", Encoding.UTF8.GetBytes(claims), bytes => parts.Issuer.Sign(bytes));
        await using var node = await AnswerAsync("choria", _ =>
        [
            Reply("lacking") with { Signer = new ReplySigner(key, lacking) },
            Reply("true") with { Signer = new ReplySigner(key, ServerToken(Node, key)) },
        ]);

        var call = Call(ChoriaProtocol.V2, Long) with { Network = FleetParts.Overlay, Collective = "choria" };
        var (_, reply) = await parts.Calls.CallAsync(call, Cancelled);

        Assert.Equal("true", reply.StatusMessage);
    }

    [Fact]
    public async Task PingAsync_GoesOn_WhenAReplyCannotBeHandled()
    {
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, _ => [Reply("heard")]);
        await using var connection = new NATS.Client.Core.NatsConnection(new NATS.Client.Core.NatsOpts { Url = broker.Url });
        await using var pings = await connection.SubscribeCoreAsync<byte[]>(
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, Discovery.Agent), cancellationToken: Cancelled);
        await connection.PingAsync(Cancelled);
        using var handled = new SemaphoreSlim(0);

        using var ping = await parts.Calls.PingAsync(
            FleetStreams.ProvisioningNetwork,
            ChoriaSubjects.ProvisioningCollective,
            ProvisionAgent.Name,
            [ChoriaProtocol.V2],
            _ =>
            {
                handled.Release();
                throw new InvalidOperationException("a fault of ours");
            },
            Long,
            Cancelled);
        var asked = await pings.Msgs.ReadAsync(Cancelled);
        Assert.True(ChoriaEnvelope.TryDecodeRequest(asked.Data!, out var request, out _));
        var pong = ChoriaReply.To(request.Request, Node, TimeProvider.System.GetUtcNow(), Discovery.Pong);
        await connection.PublishAsync(
            request.Headers.ReplySubject!, ChoriaEnvelope.EncodeReply(pong, request.Headers.ForReply(Node)), cancellationToken: Cancelled);
        await handled.WaitAsync(Cancelled);

        var (_, reply) = await parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long), Cancelled);
        Assert.Equal("heard", reply.StatusMessage);
    }

    [Fact]
    public async Task HeardForAsync_SaysHowLongANetworkWasThere_AndNothingOfOneWhoseBrokerIsFrozenOrGone()
    {
        const string network = FleetStreams.ProvisioningNetwork;
        Assert.Equal(TimeSpan.Zero, await parts.Calls.HeardForAsync("paris", Cancelled));
        Assert.Equal(TimeSpan.Zero, await parts.Agent.HeardForAsync(FleetParts.Overlay, NodeProtocol.V2, Cancelled));

        await Assert.ThrowsAsync<NodeSilentException>(() => parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Short), Cancelled));
        Assert.True(await parts.Calls.HeardForAsync(network, Cancelled) > TimeSpan.Zero);

        broker.Pause();
        Assert.Equal(TimeSpan.Zero, await parts.Calls.HeardForAsync(network, Cancelled));
        broker.Continue();

        await broker.KillAsync();
        var away = TimeProvider.System.GetTimestamp();
        await broker.RestartAsync(Cancelled);
        await Readiness.UntilAsync(
            async token => await parts.Calls.HeardForAsync(network, token) > TimeSpan.Zero, "the connection is back", Cancelled);
        Assert.True(await parts.Calls.HeardForAsync(network, Cancelled) <= TimeProvider.System.GetElapsedTime(away));
    }

    [Fact]
    public async Task CallAsync_SaysWhatToConfigure_WhenTheNetworkIsUnknown()
    {
        var unavailable = await Assert.ThrowsAsync<NetworkUnavailableException>(
            () => parts.Calls.CallAsync(Call(ChoriaProtocol.V2, Long) with { Network = "paris" }, Cancelled));

        Assert.Contains("Fleet:Overlays", unavailable.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ProvisionErrors.Locked, NodeFault.Locked)]
    [InlineData(ProvisionErrors.WrongSecret, NodeFault.SecretMismatch)]
    [InlineData(ProvisionErrors.NotProvisioning, NodeFault.NotProvisioning)]
    [InlineData(ProvisionErrors.AlreadyProvisioning, NodeFault.AlreadyProvisioning)]
    [InlineData("disk full", NodeFault.Other)]
    public async Task Agent_TellsTheNodesRefusalsApart(string message, NodeFault fault)
    {
        await using var node = await AnswerAsync(
            ChoriaSubjects.ProvisioningCollective, _ =>
                [new ScriptedReply(Node, RpcReply.Failed("restart", RpcStatus.Aborted, message).Encode())]);

        var refused = await Assert.ThrowsAsync<NodeRefusedException>(() => parts.Agent.RestartAsync(Node, NodeProtocol.V1, Cancelled));

        Assert.Equal(fault, refused.Fault);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_RefusesAnEd25519Key_WhoseProofIsOfAnotherKey()
    {
        using var key = Ed25519Key.FromSeedHex(new string('5', 64));
        using var stranger = Ed25519Key.FromSeedHex(new string('6', 64));
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, request =>
        {
            var output = new Gen25519Output(key.PublicKeyHex, "/etc/choria", stranger.SignHex("any nonce"u8));
            return [new ScriptedReply(Node, ProvisionAgent.Gen25519.EncodeReply(output))];
        });

        await Assert.ThrowsAsync<KeyUnprovenException>(() => parts.Agent.MakeEd25519KeyAsync(Node, NodeProtocol.V2, Cancelled));
    }

    [Fact]
    public async Task Agent_CannotReprovision_WithoutAProofOfItself()
    {
        var refused = await Assert.ThrowsAsync<NodeRefusedException>(
            () => parts.Agent.ReprovisionAsync(Node, NodeProtocol.V2, FleetParts.Overlay, Cancelled));

        Assert.Contains("Fleet:CallerProof", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_TellsANodeToShutDown_WithTheSecret()
    {
        RpcRequest? asked = null;
        await using var node = await AnswerAsync(ChoriaSubjects.ProvisioningCollective, request =>
        {
            Assert.True(RpcRequest.TryDecode(request.Request.Body, out asked, out _));
            var reply = new MessageOutput("Shutting Choria Server down after 3s");
            return [new ScriptedReply(Node, ProvisionAgent.Shutdown.EncodeReply(reply))];
        });

        await parts.Agent.ShutDownAsync(Node, NodeProtocol.V2, overlay: null, Cancelled);

        Assert.Equal((ProvisionAgent.Name, "shutdown"), (asked!.Agent, asked.Action));
        Assert.Contains(FleetParts.Secret, Encoding.UTF8.GetString(asked.Data.Span), StringComparison.Ordinal);
        await Assert.ThrowsAsync<NodeRefusedException>(
            () => parts.Agent.ShutDownAsync(Node, NodeProtocol.V2, FleetParts.Overlay, Cancelled));
    }

    [Fact]
    public async Task Agent_FindsNobodyInAnOverlay_WithoutAProofOfItself() =>
        Assert.Null(await parts.Agent.AskInOverlayAsync(Node, NodeProtocol.V2, FleetParts.Overlay, Cancelled));

    private static ScriptedReply Reply(string message) =>
        new(Node, new RpcReply("jwt", (int)RpcStatus.Ok, message, "{}"u8.ToArray()).Encode());

    private static NodeCall Call(ChoriaProtocol protocol, TimeSpan timeout) => new(
        FleetStreams.ProvisioningNetwork,
        ChoriaSubjects.ProvisioningCollective,
        Node,
        ProvisionAgent.Name,
        ProvisionAgent.Jwt.Name,
        ProvisionAgent.Jwt.EncodeRequest(new SecretInput(FleetParts.Secret)),
        new Dictionary<ChoriaProtocol, RequestSigner> { [protocol] = RequestSigner.Insecure },
        timeout);

    private string ServerToken(string identity, Ed25519Key key)
    {
        var claims = new ServerClaims
        {
            Identity = identity, Collectives = ["choria"], PublicKey = key.PublicKeyHex, OrganizationUnit = TokenClaims.DefaultOrganization,
        };
        return TokenIssuer.Organization(parts.Issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow());
    }

    private Task<ScriptedNode> AnswerAsync(string collective, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer) =>
        ScriptedNode.StartAsync(broker.Url, collective, Node, answer);
}

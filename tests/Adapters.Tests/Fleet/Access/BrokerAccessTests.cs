using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Fleet.Access;

/// <summary>Who is let in and heard by real brokers whose log-ins a silo decides.</summary>
public sealed class BrokerAccessTests
{
    private const string Node = "web1.example.net";
    private const string Other = "web2.example.net";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Programs => [NatsPrograms.WithAuthCallout, NatsPrograms.Newest];

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task AnUnprovisionedConnection_HearsAndSaysWhatItsAgentDoes_AndIsNobodyElse(string program)
    {
        await using var world = await AccessWorld.StartAsync(program);
        await using var agent = await world.UnprovisionedAsync(Node);

        Assert.Null(agent.LoginFault);
        string[] heard =
        [
            $"provisioning.node.{Node}", "provisioning.broadcast.agent.discovery", "provisioning.broadcast.agent.rpcutil",
            "provisioning.broadcast.agent.choria_util", "provisioning.broadcast.agent.choria_provision",
        ];
        string[] said =
        [
            ReplyTo(Node), ReplyTo("all"), "choria.lifecycle.event.startup.provision_mode_server",
            "choria.lifecycle.event.shutdown.provision_mode_server", "provisioning.registration.x",
        ];
        string[] deaf = [$"provisioning.node.{Other}", "provisioning.node.>", "provisioning.reply.>", ">", "_INBOX.>"];
        string[] dumb =
        [
            ReplyTo(Other), $"provisioning.node.{Other}", "choria.lifecycle.event.startup.server", "provisioning.reply.x.y", "_INBOX.x",
            "$SYS.REQ.USER.AUTH", "$JS.API.STREAM.DELETE.CHORIA_EVENTS",
        ];
        Assert.All(heard, subject => Assert.Null(Wait(agent.SubscribeAsync(subject, Token))));
        Assert.All(said, subject => Assert.Null(Wait(agent.PublishAsync(subject, Token))));
        Assert.All(deaf, subject => Assert.Contains("Violation", Wait(agent.SubscribeAsync(subject, Token)), StringComparison.Ordinal));
        Assert.All(dumb, subject => Assert.Contains("Violation", Wait(agent.PublishAsync(subject, Token)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnUnprovisionedConnection_NeedsTheNameOfANode_AndOfItsTokenIfThatHasOne()
    {
        await using var world = await AccessWorld.StartAsync(identityClaim: "extensions.identity");

        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync("*", forIdentity: "*")));
        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync("web1.>", forIdentity: "web1.>")));
        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync("", forIdentity: "")));
        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync(Node, forIdentity: Other)));
        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync(Node)));
        Assert.Null(await FaultAsync(world.UnprovisionedAsync(Other, forIdentity: Other)));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task ASecondConnectionInANodesName_IsRefused_UntilTheFirstEnds(string program)
    {
        await using var world = await AccessWorld.StartAsync(program);
        await using (var first = await world.UnprovisionedAsync(Node))
        {
            Assert.Null(first.LoginFault);
            await world.UntilAsync(() => world.Known == 1, "the event of the first connection");

            Assert.Contains("Authorization Violation", await FaultAsync(world.UnprovisionedAsync(Node)), StringComparison.Ordinal);
            Assert.Contains($"wants to enrol as {Node}", world.Log, StringComparison.Ordinal);
            Assert.Null(await FaultAsync(world.UnprovisionedAsync(Other)));
        }

        // Its end is asked for where the event of it is not there yet.
        Assert.Null(await FaultAsync(world.UnprovisionedAsync(Node)));
    }

    [Fact]
    public async Task WhoComesInTheNameOfANodeThatLivesOnItsOverlay_IsRefused()
    {
        using var key = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync();
        world.Standings[(Node, key.PublicKeyHex)] = KeyStatus.Present;
        await using var node = await world.NodeAsync(Node, key);
        Assert.Null(node.LoginFault);
        await world.UntilAsync(() => world.Known == 1, "the event of the node's connection");

        Assert.NotNull(await FaultAsync(world.UnprovisionedAsync(Node)));
        Assert.Contains("proved its key", world.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectionsAtABrokerThatIsGone_HoldNobodyBack()
    {
        using var key = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync();
        world.Standings[(Node, key.PublicKeyHex)] = KeyStatus.Present;
        await using var node = await world.NodeAsync(Node, key);
        await world.UntilAsync(() => world.Known == 1, "the event of the node's connection");

        await world.Overlay.KillAsync();

        Assert.Null(await FaultAsync(world.UnprovisionedAsync(Node)));
    }

    [Fact]
    public async Task WhoIsConnectedInANodesName_IsPutOut_WhenTheNodeComesWithItsKey()
    {
        using var key = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync();
        world.Standings[(Node, key.PublicKeyHex)] = KeyStatus.Present;
        await using var impostor = await world.UnprovisionedAsync(Node);
        Assert.Null(impostor.LoginFault);
        await world.UntilAsync(() => world.Known == 1, "the event of the first connection");

        await using var node = await world.NodeAsync(Node, key);

        Assert.Null(node.LoginFault);
        Assert.DoesNotContain("Stale", await impostor.UntilClosedAsync(Token) ?? "", StringComparison.Ordinal);
        Assert.Null(await node.PublishAsync("choria.lifecycle.event.alive.server", Token));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task ANode_ComesInWithItsPresentTokenAlone_AndIsPutOutWhenItIsSuperseded(string program)
    {
        using var key = Ed25519Key.Generate();
        using var other = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync(program);
        world.Standings[(Node, key.PublicKeyHex)] = KeyStatus.Present;
        world.Standings[(Node, other.PublicKeyHex)] = KeyStatus.Superseded;
        await using var node = await world.NodeAsync(Node, key);

        Assert.Null(node.LoginFault);
        Assert.Null(await node.SubscribeAsync($"choria.node.{Node}", Token));
        Assert.NotNull(await node.SubscribeAsync($"choria.node.{Other}", Token));
        Assert.NotNull(await FaultAsync(world.NodeAsync(Node, other)));
        Assert.NotNull(await FaultAsync(world.NodeAsync(Node, key, signsNonce: other)));
        Assert.NotNull(await FaultAsync(world.NodeAsync(Other, key)));

        await world.UntilAsync(() => world.Known == 1, "the event of the node's connection");
        world.Change(Node);
        Assert.Null(await node.PublishAsync("choria.lifecycle.event.alive.server", Token));
        world.Standings[(Node, key.PublicKeyHex)] = KeyStatus.Superseded;
        world.Change(Node);

        Assert.DoesNotContain("Stale", await node.UntilClosedAsync(Token) ?? "", StringComparison.Ordinal);
        Assert.NotNull(await FaultAsync(world.NodeAsync(Node, key)));
    }

    [Fact]
    public async Task ANodeThatNeverEnrolledHere_ComesInWhileAFleetIsMovedHere()
    {
        using var key = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync(admitUnknown: true);

        Assert.Null(await FaultAsync(world.NodeAsync(Node, key)));
    }

    [Fact]
    public async Task ANode_ComesInByItsCredentialsAlone_UntilHowItStandsCanBeTold()
    {
        using var key = Ed25519Key.Generate();
        await using var world = await AccessWorld.StartAsync();
        world.StateIsAway = true;
        await using var node = await world.NodeAsync(Node, key);

        Assert.Null(node.LoginFault);
        Assert.NotNull(await FaultAsync(world.NodeAsync(Node, key, signsNonce: Ed25519Key.Generate())));

        world.StateIsAway = false;
        Assert.DoesNotContain("Stale", await node.UntilClosedAsync(Token) ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task ACertificate_IsTheNodeThatItNames_WhateverConnectSays(string program)
    {
        await using var world = await AccessWorld.StartAsync(program, v1: true);
        _ = world.Pki.ClientCertificate(Node);
        world.Standings[(Node, world.FingerprintOf(Node))] = KeyStatus.Present;
        await using var node = await world.HolderAsync(Node, sentName: Other, isIssued: true);

        Assert.Null(node.LoginFault);
        Assert.Null(await node.SubscribeAsync($"choria.node.{Node}", Token));
        Assert.NotNull(await node.SubscribeAsync($"choria.node.{Other}", Token));
        Assert.Null(await node.PublishAsync("choria.reply.0123.abcd", Token));
        Assert.NotNull(await node.PublishAsync($"choria.node.{Other}", Token));
        Assert.NotNull(await FaultAsync(world.HolderAsync(Node)));

        await using var caller = await world.HolderAsync("admin.mcollective");
        Assert.Null(caller.LoginFault);
        Assert.Null(await caller.PublishAsync($"choria.node.{Node}", Token));
    }

    private static string ReplyTo(string addressee) =>
        $"provisioning.reply.caller.own.{(addressee == "all" ? addressee : ChoriaSubjects.CallerHash(addressee))}.request";

    private static async Task<string?> FaultAsync(Task<Infra.AgentConnection> connecting)
    {
        await using var connection = await connecting;
        return connection.LoginFault;
    }

    // The server answers within milliseconds, and an assertion over many subjects cannot wait.
    private static string? Wait(Task<string?> said) => said.GetAwaiter().GetResult();
}

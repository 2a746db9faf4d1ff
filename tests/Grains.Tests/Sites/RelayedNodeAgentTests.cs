using System.Collections.Concurrent;
using ControlPlane.Nodes;
using ControlPlane.Sites;
using ControlPlane.TestKit.Provisioning;

namespace ControlPlane.Grains.Tests.Sites;

/// <summary>A node on another site's provisioning network is called as if it were on ours.</summary>
public sealed class RelayedNodeAgentTests
{
    private const string Node = "web1.example.net";

    private static readonly IReadOnlyDictionary<string, string> Files = new Dictionary<string, string> { ["rpcutil.policy"] = "allow" };

    private static readonly NodeConfiguration Configuration =
        new(Files, "certificate", "chain", "/etc/choria/ssl", "token", Files, Files) { PrivateKeyPem = "key" };

    private readonly FakeNodes there = new();
    private readonly FakeNodes here = new();
    private readonly Loopback link = new();
    private readonly RelayedNodeAgent relayed;

    public RelayedNodeAgentTests()
    {
        var grains = TestedGrains.Make(new ConcurrentQueue<string>(), new Dictionary<string, object>());
        var (reception, owner) = (new TwoSites("eu-1"), new TwoSites("eu-2"));
        link.Connect("eu-1", new NodeChannel(grains, there, new NodeSites(grains, link, reception)));
        relayed = new RelayedNodeAgent("eu-1", new NodeSites(grains, link, owner), here);
    }

    /// <summary>The calls of a node in provisioning mode, by the name of their action.</summary>
    public static TheoryData<string> Actions => [.. Calls.Keys];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Dictionary<string, Func<INodeAgent, CancellationToken, Task<object?>>> Calls { get; } = new(StringComparer.Ordinal)
    {
        ["jwt"] = async (agent, cancel) => await agent.FetchTokenAsync(Node, NodeProtocol.Unknown, cancel),
        ["inventory"] = async (agent, cancel) => await agent.FetchInventoryAsync(Node, NodeProtocol.V1, cancel),

        // A new key each time: what is compared is that there is one, and where it lies.
        ["gencsr"] = async (agent, cancel) => await agent.MakeSigningRequestAsync(Node, NodeProtocol.V1, cancel) is var made
            && made.SigningRequestPem.StartsWith("-----BEGIN CERTIFICATE REQUEST", StringComparison.Ordinal) ? made.SslDirectory : null,
        ["gen25519"] = async (agent, cancel) => await agent.MakeEd25519KeyAsync(Node, NodeProtocol.V2, cancel),
        ["configure"] = (agent, cancel) => Done(agent.ConfigureAsync(Node, NodeProtocol.V1, Configuration, cancel)),
        ["release_update"] = (agent, cancel) =>
            Done(agent.UpdateAsync(Node, NodeProtocol.V1, "https://packages.example.net", "0.31.0", cancel)),
        ["restart"] = (agent, cancel) => Done(agent.RestartAsync(Node, NodeProtocol.V1, cancel)),
        ["shutdown in provisioning mode"] = (agent, cancel) => Done(agent.ShutDownAsync(Node, NodeProtocol.V1, overlay: null, cancel)),
    };

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task ACall_IsMadeThere_AndItsAnswerIsTheSame(string action)
    {
        var direct = new FakeNodes();

        Assert.Equal(await Calls[action](direct, Cancel), await Calls[action](relayed, Cancel));
        Assert.Equal([action], there[Node].Calls);
        Assert.Empty(here[Node].Calls);
        Assert.Equal(direct[Node].Version, there[Node].Version);
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task ACall_FailsAsItFailsThere(string action)
    {
        Exception[] failures =
        [
            new NodeSilentException("it is silent"), new NetworkUnavailableException("no broker"), new KeyUnprovenException("no proof"),
            .. Enum.GetValues<NodeFault>().Select(fault => new NodeRefusedException(fault, $"it says {fault}")),
        ];
        foreach (var failure in failures)
        {
            there[Node].FailNext(action, failure);
            var thrown = await Assert.ThrowsAsync(failure.GetType(), () => Calls[action](relayed, Cancel));
            Assert.Equal(failure.Message, thrown.Message);
            Assert.Equal((failure as NodeRefusedException)?.Fault, (thrown as NodeRefusedException)?.Fault);
        }

        // What it may not throw is silence of the site, and nothing is known of the node.
        there[Node].FailNext(action, new InvalidOperationException("a bug"));
        await Assert.ThrowsAsync<NetworkUnavailableException>(() => Calls[action](relayed, Cancel));
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public async Task ACall_SaysThatTheNetworkIsAway_WhenTheOtherSiteIs_OrAnswersSomethingElse(string action)
    {
        foreach (var site in (ISiteLink[])[new NoSiteLink(), Answering(new NodeReply()), Answering(new NodeReply("no")), Answering("?")])
        {
            var lost = new RelayedNodeAgent("eu-1", new NodeSites(null!, site, new TwoSites("eu-2")), here);
            await Assert.ThrowsAsync<NetworkUnavailableException>(() => Calls[action](lost, Cancel));
        }

        Assert.Empty(here[Node].Calls);
    }

    /// <summary>An answer to something else: one that says nothing of what was asked.</summary>
    [Theory]
    [InlineData("jwt")]
    [InlineData("inventory")]
    [InlineData("gencsr")]
    [InlineData("gen25519")]
    public async Task AnAnswerWithoutWhatWasAsked_IsNone(string action)
    {
        var lost = new RelayedNodeAgent(
            "eu-1", new NodeSites(null!, Answering(new NodeReply(Answer: AgentAnswer.Done)), new TwoSites("eu-2")), here);

        await Assert.ThrowsAsync<NetworkUnavailableException>(() => Calls[action](lost, Cancel));
    }

    [Fact]
    public async Task WhatANodeIsConfiguredWith_ArrivesWhole()
    {
        await relayed.ConfigureAsync(Node, NodeProtocol.V2, Configuration, Cancel);

        var arrived = there[Node].Configuration!;
        Assert.Equal(SiteJson.Write(Configuration), SiteJson.Write(arrived));
        Assert.Equal("key", arrived.PrivateKeyPem);
    }

    [Fact]
    public async Task ACall_EndsWithItsCaller()
    {
        there[Node].LeaveNextWithoutAnswer("restart");
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var call = relayed.RestartAsync(Node, NodeProtocol.V1, leaving.Token);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    /// <summary>On its overlay's network the owner hears it itself.</summary>
    [Fact]
    public async Task OnItsOverlay_ANodeIsCalledFromHere()
    {
        here[Node].LivesIn = "eu-2";
        await relayed.ReprovisionAsync(Node, NodeProtocol.V1, "eu-2", Cancel);
        await relayed.ShutDownAsync(Node, NodeProtocol.V1, "eu-2", Cancel);

        Assert.NotNull(await relayed.AskInOverlayAsync(Node, NodeProtocol.V1, "eu-2", Cancel));
        Assert.Equal(["reprovision in eu-2", "shutdown in eu-2", "ping in eu-2"], here[Node].Calls);
        Assert.Empty(there[Node].Calls);

        // How long the other site has heard its network is not known here.
        Assert.Equal(TimeSpan.Zero, await relayed.HeardForAsync("eu-2", NodeProtocol.V1, Cancel));
    }

    private static async Task<object?> Done(Task call)
    {
        await call;
        return null;
    }

    private static Answered Answering<T>(T reply) => new(SiteJson.Write(reply));

    private sealed class Answered(byte[] reply) : ISiteLink
    {
        public Task<byte[]> AskAsync(
            string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken) =>
            Task.FromResult(reply);
    }
}

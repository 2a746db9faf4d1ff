using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>
/// Issue 12, item 24: an event, or an answer to a sweep, that names what cannot be a node does no harm; a broker dropped the silo's shared
/// connection at each request to an identity of 4.2 kB.
/// </summary>
public sealed class HostileNameTests : IAsyncLifetime
{
    private const string Node = "web1.example.net";

    private static readonly string Long = string.Join('.', Enumerable.Repeat("aaaaaaaaaaaaa", 300));

    private NatsServer broker = null!;
    private FleetParts parts = null!;

    public static TheoryData<string> HostileNames => new(Long, "a..b", "web1.example.net\r\nPUB x 0", "a b", "*", "choria.>", "ä");

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
    [MemberData(nameof(HostileNames))]
    public void AnEvent_IsPoison_WhenItNamesWhatCannotBeANode(string identity)
    {
        var decoded = new LifecycleDecoder(new FleetOptions(), new OverlaysOptions()).Decode(
            new JetStreamMessage(
                "provisioning", "choria.lifecycle.event.startup.server", null, Startup(identity), 1, DateTimeOffset.UnixEpoch));

        Assert.Null(decoded.Payload);
        Assert.NotNull(decoded.PoisonReason);
        Assert.DoesNotContain(identity, decoded.PoisonReason, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(HostileNames))]
    public async Task ACall_HarmsNoOther_WhateverNameItIsFor(string identity)
    {
        await using var node = await ScriptedNode.StartAsync(
            broker.Url,
            ChoriaSubjects.ProvisioningCollective,
            Node,
            _ => [new ScriptedReply(Node, RpcReply.Ok("restart", "{}"u8.ToArray()).Encode())]);
        await parts.Agent.RestartAsync(Node, NodeProtocol.V2, Cancelled);
        var before = await ConnectionsEverAsync();

        for (var time = 0; time < 5; time++)
        {
            await Assert.ThrowsAsync<NodeRefusedException>(() => parts.Agent.RestartAsync(identity, NodeProtocol.V2, Cancelled));
        }

        await parts.Agent.RestartAsync(Node, NodeProtocol.V2, Cancelled);
        Assert.Equal(before, await ConnectionsEverAsync());
    }

    [Fact]
    public async Task ASweep_FindsNobody_WhoAnswersInANameThatCannotBe()
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = broker.Url });
        await using var pings = await connection.SubscribeCoreAsync<byte[]>(
            ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, Discovery.Agent), cancellationToken: Cancelled);
        await connection.PingAsync(Cancelled);
        var answering = Task.Run(
            async () =>
            {
                var asked = await pings.Msgs.ReadAsync(Cancelled);
                Assert.True(ChoriaEnvelope.TryDecodeRequest(asked.Data!, out var request, out _));
                foreach (var name in new[] { Long, "a..b", Node })
                {
                    var pong = ChoriaReply.To(request.Request, name, TimeProvider.System.GetUtcNow(), Discovery.Pong);
                    await connection.PublishAsync(
                        request.Headers.ReplySubject!,
                        ChoriaEnvelope.EncodeReply(pong, request.Headers.ForReply(name)),
                        cancellationToken: Cancelled);
                }
            },
            Cancelled);

        var found = new List<string>();
        await foreach (var node in parts.Discovery.SweepAsync(Cancelled))
        {
            found.Add(node.Identity);
        }

        await answering;
        Assert.Equal([Node], found.Distinct());
    }

    private async Task<long> ConnectionsEverAsync()
    {
        using var http = new HttpClient();
        var monitor = new Uri($"http://127.0.0.1:{broker.MonitorPort}/varz");
        using var document = JsonDocument.Parse(await http.GetStringAsync(monitor, Cancelled));
        return document.RootElement.GetProperty("total_connections").GetInt64();
    }

    private static byte[] Startup(string identity) => new LifecycleEvent
    {
        Kind = LifecycleKind.Startup,
        Id = "14803cb2-2342-4c69-bb98-1084c541fa53",
        Identity = identity,
        Component = ChoriaSubjects.ServerComponent,
        UnixSeconds = 1_795_369_077,
        Version = "0.30.2",
    }.EncodeCloudEvent();
}

using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Fleet.Ddl;
using ControlPlane.Adapters.Fleet.Replication;
using ControlPlane.Adapters.Fleet.Rpc;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Replication;
using ControlPlane.Sites;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Orleans.Serialization;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>How a broker fails its clients.</summary>
public enum BrokerFailure
{
    NobodyListens,
    IsKilled,
    IsSilent,
    ForbidsAll,
    HasNoJetStream,
    HasNoRoom,
    IsNotConfigured,
    WasLeft,
}

/// <summary>Everything that grains reach over NATS.</summary>
public sealed class NatsPortTests : PortFailureTests
{
    private const string Forbidding = """
        authorization {
          users: [ { user: a, password: a, permissions: { publish: { deny: ">" }, subscribe: { deny: "controlplane.>" } } } ]
        }
        no_auth_user: a
        """;

    private const string Small = """
        accounts { A: { users: [ { user: a, password: a } ], jetstream: { max_file: 64KB, max_mem: 64KB } } }
        no_auth_user: a
        """;

    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private readonly ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    public static IEnumerable<(Type Port, Type Implementation)> Tested =>
    [
        (typeof(IRegister), typeof(OverlayRegister)),
        (typeof(ILog), typeof(OverlayLog)),
        (typeof(ILivenessAdvisories), typeof(AgeAdvisories)),
        (typeof(INodeChangeFeed), typeof(NodeChangeTail)),
        (typeof(ISignsOfLife), typeof(StoredSignsOfLife)),
        (typeof(IFleetConnectivity), typeof(FleetConnectivity)),
        (typeof(INodeAgent), typeof(ChoriaNodeAgent)),
        (typeof(IFleetDiscovery), typeof(ChoriaDiscovery)),
        (typeof(ISiteLink), typeof(NatsSiteLink)),
        (typeof(INodeLoginCheck), typeof(NodeLoginCheck)),
        (typeof(INodeRpc), typeof(ChoriaNodeRpc)),
        (typeof(IRpcRequest), typeof(NodeRpcRequest)),
        (typeof(IAgentDdls), typeof(AgentDdls)),
        (typeof(IJobEvents), typeof(NatsJobEvents)),
        (typeof(IStreamReplication), typeof(StreamReplication)),
    ];

    public static TheoryData<BrokerFailure> Failures => [.. Enum.GetValues<BrokerFailure>()];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Ports_ThrowWhatTheyDeclare_WhenTheBrokerFails(BrokerFailure failure)
    {
        await using var broker = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                JetStream = failure != BrokerFailure.HasNoJetStream,
                Configuration = failure switch
                {
                    BrokerFailure.ForbidsAll => Forbidding,
                    BrokerFailure.HasNoRoom => Small,
                    _ => "",
                },
            },
            Cancel);
        var url = failure == BrokerFailure.NobodyListens ? $"nats://127.0.0.1:{LoopbackPort.Free()}" : broker.Url;
        await using var parts = new FleetParts(
            url, failure == BrokerFailure.IsNotConfigured ? null : url, options => options.JobEvents = true, time);
        await FailAsync(failure, broker, parts);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        var tail = new NodeChangeTail(
            log, new StoredMessages(services.GetRequiredService<Serializer>(), NullLogger<StoredMessages>.Instance));
        using var loops = new Loops(time, NullLogger<Loops>.Instance);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var following = loops.RunAsync("feed of changes", TimeSpan.FromSeconds(2), isDueAtOnce: true, tail.FollowAsync, ending.Token);
        using var signs = new StoredSignsOfLife(
            parts.Connections, parts.Fleet, parts.Overlays, time, NullLogger<StoredSignsOfLife>.Instance);
        using var own = new OwnTokenIssuer(parts.Fleet);
        var tokens = new ChoriaServerTokenIssuer(own);

        await using var request = parts.Rpc.Open(new RpcCall(FleetParts.Overlay, "rpcutil", "ping", "{}"u8.ToArray()));
        var ddls = new AgentDdls(
            Options.Create(new DdlOptions { UseRegistry = true }), parts.Overlays, parts.Rpc, time, NullLogger<AgentDdls>.Instance);

        var translated = AssertTranslatedAsync(
            Tested,
            new(typeof(IRegister), new OverlayRegister(parts.Streams, OverlayStreams.State), typeof(StoreUnavailableException)),
            new(typeof(ILog), log, typeof(StoreUnavailableException)),
            new(
                typeof(ILivenessAdvisories),
                new AgeAdvisories(new OverlayLog(parts.Streams, Logs.Advisories), parts.Overlays),
                typeof(StoreUnavailableException)),
            new(typeof(INodeChangeFeed), tail) { Patience = TimeSpan.FromSeconds(1) },
            new(typeof(ISignsOfLife), signs),
            new(typeof(IFleetConnectivity), new FleetConnectivity(parts.Connections, parts.Overlays)),
            new(typeof(INodeAgent), parts.Agent) { ThrowsAny = true },
            new(typeof(IFleetDiscovery), parts.Discovery) { ThrowsAny = true, MayAnswer = IsNetworkThere(failure) },
            new(
                typeof(ISiteLink),
                new NatsSiteLink(parts.Connections, parts.Overlays, TestedSites.Unsigned("tested"), NullLogger<NatsSiteLink>.Instance),
                typeof(SiteUnreachableException)),
            new(typeof(INodeLoginCheck), new NodeLoginCheck(tokens, time, NullLogger<NodeLoginCheck>.Instance)),
            new(typeof(INodeRpc), parts.Rpc) { ThrowsAny = true, MayAnswer = true },
            new(typeof(IRpcRequest), request) { ThrowsAny = true, MayAnswer = true, Patience = TimeSpan.FromSeconds(1) },
            new(typeof(IAgentDdls), ddls),
            new(typeof(IStreamReplication), ReplicationBetween(url, parts), typeof(StoreUnavailableException)),
            new(
                typeof(IJobEvents),
                new NatsJobEvents(parts.Connections, parts.Fleet, parts.Overlays),
                typeof(ReceiverUnavailableException)) { MayAnswer = IsNetworkThere(failure) });
        await PassTimeAsync(translated);

        await ending.CancelAsync();
        await following;
        if (failure == BrokerFailure.IsSilent)
        {
            broker.Continue();
        }
    }

    // Of a stream that there is not, so that it fails where the broker does not.
    private StreamReplication ReplicationBetween(string url, FleetParts parts)
    {
        var broker = new BrokerLoginOptions { Urls = [url], Tls = false };
        var link = new ReplicationLinkOptions { SourceStream = "NONE", TargetStream = "COPY", Source = broker, Target = broker };
        return new StreamReplication(
            Options.Create(new ReplicationOptions { Links = { ["tested"] = link } }),
            parts.Fleet,
            parts.Overlays,
            time,
            NullLoggerFactory.Instance);
    }

    private static bool IsNetworkThere(BrokerFailure failure) =>
        failure is not (BrokerFailure.NobodyListens or BrokerFailure.IsKilled or BrokerFailure.WasLeft);

    private static async Task FailAsync(BrokerFailure failure, NatsServer broker, FleetParts parts)
    {
        if (failure is BrokerFailure.NobodyListens)
        {
            return;
        }

        var connections = new[] { FleetStreams.ProvisioningNetwork, FleetParts.Overlay }.SelectMany(parts.Connections.Of).ToList();
        foreach (var connection in connections)
        {
            await connection.ConnectAsync();
        }

        switch (failure)
        {
            case BrokerFailure.IsKilled:
                await broker.KillAsync();
                break;
            case BrokerFailure.IsSilent:
                broker.Pause();
                break;
            case BrokerFailure.WasLeft:
                await parts.Connections.DisposeAsync();
                break;
            default:
                break;
        }
    }

    // Nodes are waited for by our clock: it goes faster than the machine's.
    private async Task PassTimeAsync(Task until)
    {
        while (!until.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(until, Task.Delay(TimeSpan.FromMilliseconds(100), Cancel));
        }

        await until;
    }
}

using System.Text;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Adapters.Tests.Fleet.Rpc;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.Jobs;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>Nodes that begin their life enrolled, called through our RPC: what jobs are tested with.</summary>
public sealed class EnrolledFleetTests : IAsyncLifetime
{
    private const int Nodes = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private TestPki pki = null!;
    private RpcStage stage = null!;
    private SimulatedFleet fleet = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        pki = TestPki.Create();
        var certificate = pki.ServerCertificate("broker");
        var tls = new NatsServerTls(certificate.CertificatePath, certificate.KeyPath, AllowPlain: true);
        stage = await RpcStage.StartAsync(Cancelled, settings: new NatsServerSettings { Tls = tls });
        fleet = await SimulatedFleet.StartAsync(
            new SimulatedFleetOptions
            {
                Brokers = stage.Broker.Url,
                Enrolled = new EnrolledNodes { Brokers = stage.Broker.Url },
                Nodes = Nodes,
                NodesPerConnection = 50,
                Protocol = FleetProtocol.V2,
                IssuerSeed = FleetParts.IssuerSeed,
                SlowDelay = TimeSpan.FromMilliseconds(300),
                FactsPattern = """{"os":{"family":"Debian"},"site":"site{n%4}","cpus":{n%8}}""",
                Faults = new Dictionary<SimulatedFault, FaultShare>
                {
                    [SimulatedFault.JobFails] = FaultShare.Percent(5),
                    [SimulatedFault.JobSilent] = FaultShare.Percent(2),
                    [SimulatedFault.JobThrice] = FaultShare.Percent(5),
                    [SimulatedFault.JobLate] = FaultShare.Percent(5),
                },
            },
            Cancelled);
        Assert.True(await fleet.WaitForArrivalsAsync(Patience, cancellationToken: Cancelled), fleet.Nodes[0].Problem);
    }

    public async ValueTask DisposeAsync()
    {
        await fleet.DisposeAsync();
        await stage.DisposeAsync();
        pki.Dispose();
    }

    [Fact]
    public async Task Jobs_RunOnceOnEachNode_AndFailOrStaySilentBySeed()
    {
        var call = new RpcCall(FleetParts.Overlay, "simulated", "run", """{"seconds":0.05}"""u8.ToArray());
        await using var request = stage.Rpc.Open(call);

        Assert.Equal(Nodes, await request.SendAsync([.. fleet.Nodes.Select(node => RpcStage.V2(node.Identity))], Cancelled));
        var replies = await RpcStage.ReadAsync(request, Nodes - Of(SimulatedFault.JobSilent).Count, Cancelled);

        Assert.Equal((10, 4), (Count(SimulatedFault.JobFails), Count(SimulatedFault.JobSilent)));
        Assert.Equal((10, 10), (Count(SimulatedFault.JobThrice), Count(SimulatedFault.JobLate)));
        Assert.Equal(
            Of(SimulatedFault.JobFails), replies.Where(reply => reply.StatusCode == 1).Select(reply => reply.Identity).ToHashSet());
        Assert.Empty(replies.Select(reply => reply.Identity).Intersect(Of(SimulatedFault.JobSilent)));
        var done = Encoding.UTF8.GetString(replies.First(reply => reply.StatusCode == 0).DataJson.Span);
        Assert.Contains("\"seconds\":0.05", done, StringComparison.Ordinal);
        Assert.All(fleet.Nodes, node => Assert.Equal(1, Assert.Single(node.Executions).Value));
        Assert.Single(fleet.Nodes.SelectMany(node => node.Executions.Keys).Distinct());
        var dropped = new RpcDropped(0, 2 * Count(SimulatedFault.JobThrice), 0);
        await Readiness.UntilAsync(_ => Task.FromResult(request.Dropped == dropped), "duplicates are counted", Cancelled);
    }

    [Fact]
    public async Task Jobs_FailOnAll_WhenToldTo_AndABroadcastReachesThemToo()
    {
        var call = new RpcCall(FleetParts.Overlay, "simulated", "run", """{"fail":true}"""u8.ToArray());
        await using var request = stage.Rpc.Open(call);

        await request.BroadcastAsync(RpcFilter.Everyone with { Facts = ["site=site1"] }, [], Cancelled);
        var site = fleet.Nodes.Where((node, number) => number % 4 == 1 && node.Fault != SimulatedFault.JobSilent)
            .Select(node => node.Identity).ToHashSet();
        var replies = await RpcStage.ReadAsync(request, site.Count, Cancelled);

        Assert.All(replies, reply => Assert.Equal(1, reply.StatusCode));
        Assert.Equal(site, replies.Select(reply => reply.Identity).ToHashSet());
    }

    public static TheoryData<RpcFilter, int> Filters => new()
    {
        { RpcFilter.Everyone, Nodes },
        { RpcFilter.Everyone with { Facts = ["site=site1"] }, 50 },
        { RpcFilter.Everyone with { Facts = ["site=/SITE[12]/"] }, 100 },
        { RpcFilter.Everyone with { Facts = ["cpus>=6", "os.family!=RedHat"] }, 50 },
        { RpcFilter.Everyone with { Agents = ["simulated"] }, Nodes },
        { RpcFilter.Everyone with { Agents = ["puppet"] }, 0 },
        { RpcFilter.Everyone with { Classes = ["role::web"] }, 0 },
        { RpcFilter.Everyone with { Identities = ["/^node0000[0-4]/", "node00199.sim.example.net"] }, 6 },
        { RpcFilter.Everyone with { Compound = ["with('site=site1') and not with('cpus=1')"] }, 25 },
    };

    [Theory, MemberData(nameof(Filters))]
    public async Task Discovery_FindsWhomTheFilterFits(RpcFilter filter, int expected)
    {
        // The window is long for a busy machine; none is shorter than it must be.
        var found = await stage.Rpc.DiscoverAsync(FleetParts.Overlay, filter, TimeSpan.FromSeconds(expected == 0 ? 2 : 6), Cancelled);

        Assert.Equal(expected, found.Count);
    }

    private int Count(SimulatedFault fault) => Of(fault).Count;

    private HashSet<string> Of(SimulatedFault fault) => [.. fleet.Nodes.Where(node => node.Fault == fault).Select(node => node.Identity)];
}

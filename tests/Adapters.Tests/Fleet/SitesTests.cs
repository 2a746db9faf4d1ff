using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>A silo of london, which serves york too; paris is another site, and a connection to it is a link.</summary>
public sealed class SitesTests : IAsyncLifetime
{
    private const string Node = "web1.example.net";
    private const string Paris = "paris";

    private static readonly OverlaysOptions Region = new()
    {
        Region = "eu",
        Local = FleetParts.Overlay,
        Members = { [FleetParts.Overlay] = new(), ["york"] = new() { ServedBy = FleetParts.Overlay }, [Paris] = new() },
    };

    private NatsServer broker = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => broker = await NatsServer.StartAsync(new NatsServerSettings(), Cancelled);

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public void ASilo_Hears_TheNetworksOfOverlaysThatItServes()
    {
        Assert.Equal(
            [FleetStreams.ProvisioningNetwork, FleetParts.Overlay, "york"],
            FleetSource.Of(Options(), Region).Select(source => source.Network).Distinct());
        Assert.Equal(
            [FleetParts.Overlay, "york"], FleetSource.Of(Options(hasReception: false), Region).Select(source => source.Network).Distinct());
    }

    [Fact]
    public void ALink_NeedsItsOwnSubjects_AndNoOthers()
    {
        var needed = Needed(Paris);

        Assert.Equal(
            ["controlplane.sites.eu.answers.*", "controlplane.sites.eu.paris.*"],
            needed.Select(one => one.Subject).Order(StringComparer.Ordinal));
        Assert.Contains(Needed("york"), one => one.Purpose == "ask nodes to enrol anew");
        Assert.DoesNotContain(Needed("york"), one => one.Subject.StartsWith("controlplane.sites", StringComparison.Ordinal));
        Assert.Contains(Needed(FleetParts.Overlay), one => one.Subject == "controlplane.sites.eu.london.*");
    }

    [Fact]
    public async Task NoNode_IsCalled_OverALink()
    {
        await using var parts = new FleetParts(
            broker.Url, configure: options => options.Overlays[Paris] = new NetworkOptions { Urls = [broker.Url], Tls = false });
        await parts.Connections.Of(Paris)[0].PingAsync(Cancelled);
        var call = new NodeCall(
            Paris,
            "choria",
            Node,
            RpcutilAgent.Ping.Agent,
            RpcutilAgent.Ping.Name,
            RpcutilAgent.Ping.EncodeRequest(new NoInput()),
            new Dictionary<ChoriaProtocol, RequestSigner> { [ChoriaProtocol.V2] = RequestSigner.Insecure },
            TimeSpan.FromSeconds(1));

        var unavailable = await Assert.ThrowsAsync<NetworkUnavailableException>(() => parts.Calls.CallAsync(call, Cancelled));

        Assert.Contains("another overlay's silos serve them", unavailable.Message, StringComparison.Ordinal);
        Assert.False(parts.Calls.Reaches(Paris));
        Assert.Equal(TimeSpan.Zero, await parts.Calls.HeardForAsync(Paris, Cancelled));
    }

    [Fact]
    public async Task ASiteWithoutAReception_SweepsNobody_AndSaysWhyItCallsNobody()
    {
        await using var parts = new FleetParts(configure: options => options.Provisioning = null);

        var unavailable = await Assert.ThrowsAsync<NetworkUnavailableException>(
            () => parts.Agent.FetchTokenAsync(Node, NodeProtocol.V2, Cancelled));

        Assert.Contains("Fleet:Provisioning", unavailable.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, await parts.Calls.HeardForAsync(FleetStreams.ProvisioningNetwork, Cancelled));
        await foreach (var found in parts.Discovery.SweepAsync(Cancelled))
        {
            Assert.Fail($"{found} was found on no network");
        }
    }

    [Fact]
    public async Task Health_TellsLinks_FromTheNetworksOfNodes()
    {
        await using var parts = new FleetParts();
        var fleet = Microsoft.Extensions.Options.Options.Create(Options(hasReception: false));

        var health = new FleetBrokersHealth(
            parts.Connections, fleet, Microsoft.Extensions.Options.Options.Create(Region), TimeProvider.System);

        Assert.Equal([FleetParts.Overlay, "york"], health.Networks);
        Assert.Equal([Paris], health.Links);
    }

    /// <summary>A node's lock belongs to its caller: a hand-over between sites must not wait for its end.</summary>
    [Fact]
    public async Task TwoSites_AreOneCallerToANode_AndEachGetsItsOwnReplies()
    {
        var asked = new List<ReceivedRequest>();
        await using var london = new FleetParts(broker.Url);
        await using var paris = new FleetParts(broker.Url, local: Paris);
        await using var node = await ScriptedNode.StartAsync(broker.Url, ChoriaSubjects.ProvisioningCollective, Node, request =>
        {
            asked.Add(request);
            return [new ScriptedReply(Node, ProvisionAgent.Restart.EncodeReply(new MessageOutput("Restarting")))];
        });

        await london.Agent.RestartAsync(Node, NodeProtocol.V2, Cancelled);
        await paris.Agent.RestartAsync(Node, NodeProtocol.V2, Cancelled);

        Assert.Equal(["choria=eu.controlplane"], asked.Select(request => request.Request.Caller).Distinct());
        Assert.Equal(2, asked.Select(request => SiloPartOf(request.Headers.ReplySubject!)).Distinct().Count());
    }

    // provisioning.reply.<caller>.<silo>.<node>.<request>
    private static string SiloPartOf(string replySubject) => replySubject.Split('.')[3];

    private static IReadOnlyList<NeededSubject> Needed(string network) =>
        NeededSubjects.Of(network, Options(), Region, "choria=eu.controlplane", "_INBOX");

    private static FleetOptions Options(bool hasReception = true) => new()
    {
        Provisioning = hasReception ? new NetworkOptions { Urls = ["nats://127.0.0.1:1"] } : null,
        CallerProof = new CallerProofOptions(),
        Overlays =
        {
            [FleetParts.Overlay] = new NetworkOptions { Urls = ["nats://127.0.0.1:1"] },
            ["york"] = new NetworkOptions { Urls = ["nats://127.0.0.1:1"] },
            [Paris] = new NetworkOptions { Urls = ["nats://127.0.0.1:1"] },
        },
    };
}

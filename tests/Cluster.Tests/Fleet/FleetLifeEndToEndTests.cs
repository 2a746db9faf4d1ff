using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;
using NATS.Client.Core;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>
/// What is known of a fleet after it enrolled, with nothing but real processes: it registers, is searched, falls silent and returns, and is
/// copied. Half of the nodes sign with certificates (v1), half with tokens (v2).
/// </summary>
public sealed class FleetLifeEndToEndTests(FleetLifeStage life) : IClassFixture<FleetLifeStage>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NodesRegister_AndAreFoundByTheirFacts()
    {
        await using var fleet = await life.EnrolAsync("found", 8);

        await Until(async () => Names(await life.GetAsync("/v1/nodes?filter=site%3Dsite1+and+role%3A%3Aweb&identity=/%5Efound/"))
            .SequenceEqual(["found1.example.net", "found5.example.net"]));

        var inventory = await life.GetAsync("/v1/nodes/found1.example.net/inventory");
        Assert.Equal("registration", inventory.GetProperty("source").GetString());
        Assert.Equal("found1.example.net-machine", inventory.GetProperty("machineId").GetString());
        var counts = await life.GetAsync("/v1/facts/site:count?identity=/%5Efound/");
        Assert.All(counts.GetProperty("values").EnumerateArray(), value => Assert.Equal(2, value.GetProperty("nodes").GetInt32()));
    }

    [Fact]
    public async Task ANodeThatStops_IsLate_ThenLost_AndReturns()
    {
        await using var fleet = await life.EnrolAsync("silent", 2);
        const string silent = "silent0.example.net";
        await Until(() => IsAsync(silent, "liveness", "alive"));

        fleet.Crash(silent);
        await Until(() => IsAsync(silent, "liveness", "late"));
        await Until(() => IsAsync(silent, "liveness", "lost"));
        await Until(async () => Names(await life.GetAsync("/v1/nodes?liveness=lost")).Contains(silent));
        await fleet.StartAgainAsync(silent);
        await Until(() => IsAsync(silent, "liveness", "returned"));

        // A machine that is too busy for its nodes to speak in time has more of them, before.
        var said = (await life.AdvisoriesAsync()).Where(one => one.Node == silent).Select(one => one.Event).ToList();
        Assert.Equal("new", said[0]);
        Assert.Equal(["timeout", "expire", "recover"], said[^3..]);
    }

    [Theory]
    [InlineData(0, "v1")]
    [InlineData(1, "v2")]
    public async Task ACopyOfADisk_IsQuarantined_WithBothMachinesNamed(int node, string protocol)
    {
        await using var fleet = await life.EnrolAsync($"copied-{protocol}-", 2);
        var copied = $"copied-{protocol}-{node}.example.net";
        await Until(() => IsAsync(copied, "machineId", $"{copied}-machine"));

        await fleet.StartCopyAsync(copied, """{"machine_id":"another-machine"}""");

        await Until(() => IsAsync(copied, "stage", "quarantined"));
        var snapshot = await life.GetAsync($"/v1/nodes/{copied}");
        Assert.Equal("cloned", snapshot.GetProperty("refusal").GetString());
        var reason = snapshot.GetProperty("reason").GetString();
        Assert.Contains("another-machine", reason, StringComparison.Ordinal);
        Assert.Contains($"{copied}-machine", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMachineThatGoesOnWithTheKeyOfALifeBefore_IsQuarantined_WithBothKeysNamed()
    {
        await using var old = await life.EnrolAsync("twice", 2);
        const string twice = "twice1.example.net";
        await Until(() => IsAsync(twice, "liveness", "alive"));
        var before = old.Nodes[1].Ed25519PublicKey!;

        // Another machine of that name is provisioned while the old one is off: an operator believes that it is gone, and it is not. While
        // it answers, the newcomer would be contested and get nothing.
        old.Crash("twice0.example.net");
        old.Crash(twice);
        await using var anew = await life.EnrolAsync("twice", 2, seed: 2);
        await old.StartAgainAsync(twice);

        await Until(() => IsAsync(twice, "stage", "quarantined"));
        var reason = (await life.GetAsync($"/v1/nodes/{twice}")).GetProperty("reason").GetString();
        Assert.Contains(before[..16], reason, StringComparison.Ordinal);
        Assert.Contains(anew.Nodes[1].Ed25519PublicKey![..16], reason, StringComparison.Ordinal);
        Assert.Contains("was revoked", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EventsThatSomebodyForges_QuarantineNobody_AndAreTold()
    {
        await using var fleet = await life.EnrolAsync("innocent", 2);
        const string innocent = "innocent0.example.net";
        await Until(() => IsAsync(innocent, "liveness", "alive"));

        await Until(async () =>
        {
            await life.SayAliveAsync(innocent, "a process that is none");
            return (await HistoryAsync(innocent)).Any(
                detail => detail.StartsWith("two processes speak for it in turns", StringComparison.Ordinal));
        });

        Assert.True(await IsAsync(innocent, "stage", "enrolled"));
        Assert.Single(await HistoryAsync(innocent), detail => detail.StartsWith("two processes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NoMetric_NamesANode_AndLabelsAreThoseOfTheList()
    {
        await using var fleet = await life.EnrolAsync("measured", 2);
        await Until(() => IsAsync("measured0.example.net", "machineId", "measured0.example.net-machine"));

        var metrics = await life.MetricsAsync();

        Assert.Contains("controlplane_liveness_nodes", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("example.net", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("measured", metrics, StringComparison.Ordinal);
        var document = await File.ReadAllLinesAsync(Path.Combine(RepositoryRoot.Path, "docs", "METRICS.md"), Token);
        Assert.All(MetricLabels.In(metrics), used => Assert.Contains(used.Label, MetricLabels.Listed(document, used.Metric)));
    }

    private async Task<IReadOnlyList<string>> HistoryAsync(string identity) =>
        [.. (await life.GetAsync($"/v1/nodes/{identity}")).GetProperty("history").EnumerateArray()
            .Select(step => step.GetProperty("detail").GetString() ?? "")];

    private async Task<bool> IsAsync(string identity, string field, string value) =>
        (await life.GetAsync($"/v1/nodes/{identity}")).GetProperty(field).GetString() == value;

    private static IEnumerable<string> Names(JsonElement page) =>
        page.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("identity").GetString()!);

    private async Task Until(Func<Task<bool>> condition)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Deadline);
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, life.Output);
            await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
        }
    }
}

/// <summary>Brokers, Redis and a silo that all of these tests share.</summary>
public sealed class FleetLifeStage : IAsyncLifetime
{
    private static readonly TimeSpan ArrivalDeadline = TimeSpan.FromMinutes(5);

    private EnrolmentStage? stage;
    private NatsConnection? nats;

    public string Output => Stage.Silo?.Output ?? "";

    private EnrolmentStage Stage => stage ?? throw new InvalidOperationException("the stage is set up before the first test");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram,
                MutualTls = false,
                RegistrationInterval = TimeSpan.FromSeconds(3),
                MoreConfiguration = """
                    Liveness:
                      LateAfter: 00:00:15
                      LostAfter: 00:00:20
                      SnapshotInterval: 00:00:01
                    """,
            },
            Token);
        await stage.StartSiloAsync(Token);
        var client = stage.ClientCertificate;
        nats = new NatsConnection(NatsOpts.Default with
        {
            Url = stage.Brokers.Overlay.Url,
            AuthOpts = new NatsAuthOpts
            {
                Username = "controlplane", Password = await File.ReadAllTextAsync(stage.Secrets.ControlPlanePasswordFile, Token),
            },
            TlsOpts = new NatsTlsOpts
            {
                Mode = TlsMode.Require, CaFile = stage.AuthorityPath, CertFile = client.CertificatePath, KeyFile = client.KeyPath,
            },
        });
    }

    /// <summary>Enrols nodes that say every two seconds that they live. Even ones speak v1, odd ones v2.</summary>
    public async Task<SimulatedFleet> EnrolAsync(string name, int nodes, int seed = 1)
    {
        var options = Stages.Fleet(Stage, nodes, FleetProtocol.Both, name + "{n}.example.net") with
        {
            AliveInterval = TimeSpan.FromSeconds(2),
            FactsPattern = $$"""{"machine_id":"{{name}}{n}.example.net-machine","site":"site{n%4}","role":"web"}""",
            Seed = seed,
        };
        var fleet = await SimulatedFleet.StartAsync(options, Token);
        Assert.True(await fleet.WaitForArrivalsAsync(ArrivalDeadline, cancellationToken: Token), Output);
        return fleet;
    }

    public Task<JsonElement> GetAsync(string path) => Stage.Silo!.Api.GetFromJsonAsync<JsonElement>(path, Token);

    public Task<string> MetricsAsync() => Stage.Silo!.Health.GetStringAsync("/metrics", Token);

    public Task<IReadOnlyList<(string Event, string Node)>> AdvisoriesAsync() => Advisories.ReadAsync(nats!, EnrolmentStage.Overlay, Token);

    /// <summary>Publishes an alive event as anybody on the overlay can, in anybody's name.</summary>
    public async Task SayAliveAsync(string identity, string id)
    {
        var forged = new LifecycleEvent
        {
            Kind = LifecycleKind.Alive,
            Id = id,
            Identity = identity,
            Component = ChoriaSubjects.ServerComponent,
            UnixSeconds = 1_790_000_000,
            Version = "0.30.2",
        };
        await nats!.PublishAsync(forged.Subject, forged.EncodeCloudEvent(), cancellationToken: Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (nats is not null)
        {
            await nats.DisposeAsync();
        }

        if (stage is not null)
        {
            await stage.DisposeAsync();
        }
    }
}

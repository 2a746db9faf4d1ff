using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>
/// Who was heard, read again over a real nats-server, the newest: what it refuses as a stream's subjects must not be among the defaults.
/// </summary>
public sealed class StoredSignsOfLifeTests : IAsyncLifetime
{
    private const string Overlay = FleetParts.Overlay;
    private const string Events = "CHORIA_EVENTS";
    private const string Registrations = "CHORIA_REGISTRATION";
    private const string Machines = "CHORIA_MACHINE";
    private const string Submissions = "CHORIA_SUBMISSION";

    private readonly IOptions<OverlaysOptions> overlays = Options.Create(new OverlaysOptions { Region = "eu", Local = Overlay });
    private NatsServer server = null!;
    private NatsConnection nats = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true, Program = NatsPrograms.Newest }, Cancelled);
        nats = new NatsConnection(new NatsOpts { Url = server.Url });
        var streams = new NatsJSContext(nats);
        foreach (var source in FleetSource.Of(Fleet(), overlays.Value))
        {
            await streams.CreateStreamAsync(new StreamConfig(source.JetStream, [.. source.Subjects]), Cancelled);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await nats.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task SinceAsync_FindsEverySignOfLife_EachInItsPartition()
    {
        var nodes = Enumerable.Range(0, 40).Select(number => $"web{number}.example.net").ToList();
        foreach (var node in nodes)
        {
            await SayAliveAsync(node);
            await RegisterAsync(node);
            await SayMachineAsync(node);
            await SubmitAsync(node);
            await SubmitAsync(node);
        }

        var found = await FindAsync(TimeProvider.System.GetUtcNow());

        Assert.Equal(nodes.Order(StringComparer.Ordinal), Names(found, FleetEventKind.Alive));
        Assert.Equal(nodes.Order(StringComparer.Ordinal), Names(found, FleetEventKind.Registration));
        Assert.Equal(nodes.Order(StringComparer.Ordinal), Names(found, FleetEventKind.Machine));

        // Of the two messages of each the newest is enough.
        Assert.Equal(nodes.Order(StringComparer.Ordinal), Names(found, FleetEventKind.Submission));
        Assert.All(found, one => Assert.Equal(Overlay, one.Event.Network));
        Assert.All(found, one => Assert.Equal(StreamPartition.Of(one.Event.Identity, FleetSlices.Count), one.Partition));
    }

    [Fact]
    public async Task SinceAsync_GoesOn_BehindMessagesThatNobodyCanRead()
    {
        await SayAliveAsync("web1.example.net");
        foreach (var unreadable in new[]
        {
            "{\"protocol\":\"choria:adapters:choria_streams:output:1\",\"data\":\"{}\",\"sender\":\"\\ud800\"}", "", "{\"\\ud800\":1}", "[",
        })
        {
            foreach (var subject in new[]
                { "choria.node_metadata.x", Alive("x").Subject, "choria.machine.transition", "choria.submission.in.x" })
            {
                await nats.PublishAsync(subject, unreadable, cancellationToken: Cancelled);
            }
        }

        await RegisterAsync("web1.example.net");

        var found = await FindAsync(TimeProvider.System.GetUtcNow());

        Assert.Equal(["web1.example.net"], Names(found, FleetEventKind.Alive));
        Assert.Equal(["web1.example.net"], Names(found, FleetEventKind.Registration));
    }

    [Fact]
    public async Task SinceAsync_LeavesOutWhatIsOlder()
    {
        await SayAliveAsync("web1.example.net");

        Assert.Empty(await FindAsync(TimeProvider.System.GetUtcNow().AddHours(1)));
    }

    [Fact]
    public async Task SinceAsync_SaysThatNobodyKnows_WhenThereIsTooMuch()
    {
        const int tooMany = 200_001;
        var alive = Alive("web1.example.net");
        var content = alive.EncodeCloudEvent();
        for (var said = 0; said < tooMany; said++)
        {
            await nats.PublishAsync(alive.Subject, content, cancellationToken: Cancelled);
        }

        using var signs = Signs(out var connections);
        await using var closed = connections;
        IReadOnlyList<FleetEvent>? found;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        do
        {
            // What was published is stored in a moment.
            found = await signs.SinceAsync("0", TimeProvider.System.GetUtcNow(), deadline.Token);
        }
        while (found is not null);
    }

    private async Task<IReadOnlyList<(int Partition, FleetEvent Event)>> FindAsync(DateTimeOffset since)
    {
        using var signs = Signs(out var connections);
        await using var closed = connections;
        var read = await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count).Select(
            async partition => (partition, Events: await signs.SinceAsync($"{partition}", since, Cancelled))));
        return [.. read.SelectMany(one =>
            Assert.IsAssignableFrom<IReadOnlyList<FleetEvent>>(one.Events).Select(heard => (one.partition, heard)))];
    }

    private StoredSignsOfLife Signs(out FleetConnections connections)
    {
        var fleet = Options.Create(Fleet());
        connections = new FleetConnections(
            fleet, overlays, new RegionCaller(fleet, overlays), TimeProvider.System, NullLoggerFactory.Instance);
        return new StoredSignsOfLife(connections, fleet, overlays, TimeProvider.System, NullLogger<StoredSignsOfLife>.Instance);
    }

    private FleetOptions Fleet() => new()
    {
        Provisioning = new NetworkOptions { Urls = [server.Url], Tls = false, StreamName = "" },
        Overlays =
        {
            [Overlay] =
                new NetworkOptions
                {
                    Urls = [server.Url],
                    Tls = false,
                    StreamName = Events,
                    RegistrationStreamName = Registrations,
                    MachineStreamName = Machines,
                    SubmissionStreamName = Submissions,
                },
        },
    };

    private static IEnumerable<string> Names(IEnumerable<(int Partition, FleetEvent Event)> found, FleetEventKind kind) =>
        found.Where(one => one.Event.Kind == kind).Select(one => one.Event.Identity).Order(StringComparer.Ordinal);

    private async Task SayAliveAsync(string identity)
    {
        var alive = Alive(identity);
        (await new NatsJSContext(nats).PublishAsync(alive.Subject, alive.EncodeCloudEvent(), cancellationToken: Cancelled)).EnsureSuccess();
    }

    private async Task SayMachineAsync(string identity)
    {
        var said = new
        {
            protocol = "io.choria.machine.v1.transition",
            identity,
            id = "1",
            version = "1",
            timestamp = 1_790_000_000,
            machine = "m",
            transition = "t",
            from_state = "a",
            to_state = "b",
        };
        var payload = JsonSerializer.SerializeToUtf8Bytes(said);
        var stored = await new NatsJSContext(nats).PublishAsync(ChoriaSubjects.MachineTransitions, payload, cancellationToken: Cancelled);
        stored.EnsureSuccess();
    }

    private async Task SubmitAsync(string identity)
    {
        var headers = new NatsHeaders
        {
            ["Choria-Identity"] = identity, ["Choria-Priority"] = "4", ["Choria-Created"] = "1790000000000000000",
        };
        var stored = await new NatsJSContext(nats).PublishAsync(
            "choria.submission.in.app.progress", "half"u8.ToArray(), headers: headers, cancellationToken: Cancelled);
        stored.EnsureSuccess();
    }

    private async Task RegisterAsync(string identity)
    {
        var output = new { protocol = "choria:adapters:choria_streams:output:1", data = "{}", sender = identity };
        var payload = JsonSerializer.SerializeToUtf8Bytes(output);
        var stored = await new NatsJSContext(nats)
            .PublishAsync($"choria.node_metadata.{identity}", payload, cancellationToken: Cancelled);
        stored.EnsureSuccess();
    }

    private static LifecycleEvent Alive(string identity) => new()
    {
        Kind = LifecycleKind.Alive,
        Id = $"{identity}-process",
        Identity = identity,
        Component = ChoriaSubjects.ServerComponent,
        UnixSeconds = 1_790_000_000,
        Version = "0.30.2",
    };
}

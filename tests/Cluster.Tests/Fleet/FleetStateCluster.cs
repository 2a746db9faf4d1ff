using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Configuration;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Provisioning;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>Silos that hear a fleet over a real nats-server, and keep their soft state there.</summary>
internal sealed class FleetStateCluster : IAsyncDisposable
{
    public const string Overlay = "overlay-1";

    public static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(8);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-state-");
    private readonly string secret;
    private readonly NatsConnection nats;

    private FleetStateCluster(NatsServer server)
    {
        Server = server;
        nats = new NatsConnection(new NatsOpts { Url = server.Url });
        secret = Path.Combine(folder.FullName, "secret");
        File.WriteAllText(secret, "s3cret");
    }

    public NatsServer Server { get; }

    public KeptLog Log { get; } = new();

    public InProcessTestCluster Silos { get; private set; } = null!;

    public static async Task<FleetStateCluster> StartAsync(NatsServer server, int silos)
    {
        var started = new FleetStateCluster(server);
        await started.StartSilosAsync(silos);
        return started;
    }

    /// <summary>Starts silos, which find what those before them left on the broker.</summary>
    public async Task StartSilosAsync(int silos)
    {
        // Once: silos start side by side, and one would read what the other is writing.
        var configuration = WriteConfiguration();
        var builder = new InProcessTestClusterBuilder((short)silos);
        builder.Options.ServiceId = "fleet-state";
        builder.ConfigureSiloHost((_, host) =>
            ConfigurationSources.Copy(ConfigurationSources.Read(configuration), host.Configuration));
        builder.ConfigureSilo((_, silo) =>
        {
            silo.ConfigureLogging(
                logging => logging.AddProvider(Log).SetMinimumLevel(LogLevel.Warning).AddFilter("ControlPlane", LogLevel.Debug));
            silo.AddMemoryGrainStorage(Stores.Fleet);
            silo.AddOverlayPlacement().AddLocalCa().AddCertificates().AddProvisioning().AddFleetState().AddFleet();
            silo.Services.AddSingleton<ICertificateLedger>(new InMemoryCertificateLedger());
            silo.Services.AddSingleton<IKeyRegister>(new InMemoryKeyRegister());
            silo.Services.AddSingleton<IAskedOnce, MemoryAskedOnce>();
            silo.Services.AddSingleton<INodeAgent>(new FakeNodes());
            silo.Services.AddSingleton<IFleetDiscovery, FakeDiscovery>();
            silo.Services.AddSingleton<ILayerFiles, FakeLayerFiles>();
        });
        Silos = builder.Build();
        await Silos.DeployAsync();

        // What is published before the streams are there is heard by nobody.
        await StreamAsync("CHORIA_EVENTS");
        await StreamAsync("CHORIA_REGISTRATION");
        await StreamAsync("CHORIA_MACHINE");
        await StreamAsync("CHORIA_SUBMISSION");
    }

    public async Task StopSilosAsync()
    {
        await Silos.StopAllSilosAsync();
        await Silos.DisposeAsync();
    }

    /// <summary>Says that a node is alive, as its agent does.</summary>
    public async Task SayAlive(string identity)
    {
        var alive = new LifecycleEvent
        {
            Kind = LifecycleKind.Alive,
            Id = $"{identity}-process",
            Identity = identity,
            Component = ChoriaSubjects.ServerComponent,
            UnixSeconds = 1_790_000_000,
            Version = "0.30.2",
        };
        await nats.PublishAsync(alive.Subject, alive.EncodeCloudEvent());
    }

    /// <summary>Has an autonomous agent of a node say that it changed its state.</summary>
    public async Task SayTransition(string identity)
    {
        var said = new
        {
            protocol = "io.choria.machine.v1.transition",
            identity,
            id = $"{identity}-instance",
            version = "1.0.0",
            timestamp = 1_790_000_000,
            machine = "check_x",
            transition = "OK",
            from_state = "UNKNOWN",
            to_state = "OK",
        };
        await nats.PublishAsync(ChoriaSubjects.MachineTransitions, JsonSerializer.SerializeToUtf8Bytes(said));
    }

    /// <summary>Has a program on a node submit a message through Choria Submission.</summary>
    public async Task Submit(string identity)
    {
        var headers = new NatsHeaders
        {
            ["Choria-Identity"] = identity, ["Choria-Priority"] = "4", ["Choria-Created"] = "1790000000000000000",
        };
        await nats.PublishAsync("choria.submission.in.backup.done", "{}"u8.ToArray(), headers);
    }

    /// <summary>Registers a node by what a broker's data adapter writes.</summary>
    public async Task Register(string identity, string facts)
    {
        var body = new RegistrationBody.InventoryContent(Encoding.UTF8.GetBytes($$"""{"facts":{{facts}},"agents":[{"name":"rpcutil"}]}"""))
            .Encode();
        var output = new { protocol = "choria:adapters:choria_streams:output:1", data = Encoding.UTF8.GetString(body), sender = identity };
        await nats.PublishAsync($"choria.node_metadata.{identity}", JsonSerializer.SerializeToUtf8Bytes(output));
    }

    /// <summary>The advisories that the broker holds, as (event, node).</summary>
    public Task<IReadOnlyList<(string Event, string Node)>> AdvisoriesAsync(CancellationToken cancellationToken) =>
        Advisories.ReadAsync(nats, Overlay, cancellationToken);

    /// <summary>Who matches a query, over all slices.</summary>
    public async Task<IReadOnlyList<string>> SelectAsync(NodeQuery query)
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count).Select(
            slice => Silos.Client.GetSlice(slice).Select(query, null, 1000)));
        return [
            .. outcomes.Cast<SelectOutcome.Selected>().SelectMany(selected => selected.Nodes)
                .Select(node => node.Identity).Order(StringComparer.Ordinal)
        ];
    }

    private async Task StreamAsync(string name)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                await new NatsJSContext(nats).GetStreamAsync(name, cancellationToken: deadline.Token);
                return;
            }
            catch (NatsJSApiException missing) when (missing.Error.Code == 404)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), deadline.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopSilosAsync();
        await nats.DisposeAsync();
        folder.Delete(recursive: true);
    }

    // As an operator configures a silo: by a file, which has settings that are the empty text.
    private string WriteConfiguration()
    {
        var path = Path.Combine(folder.FullName, "controlplane.yaml");
        var late = LateAfter * 1.5;
        File.WriteAllText(path, $$"""
            LocalCa:
              local:
                DataFolder: {{Path.Combine(folder.FullName, "ca")}}
            Certificates:
              Profiles:
                node:
                  Issuers: [local]
            Fleet:
              SharedSecretFile: {{secret}}
              Protocols: [V1]
              Provisioning:
                Urls: ["{{Server.Url}}"]
                Tls: false
                StreamName: ""
              Overlays:
                {{Overlay}}:
                  Urls: ["{{Server.Url}}"]
                  Tls: false
                  CreateStream: true
                  RegistrationStreamName: CHORIA_REGISTRATION
                  MachineStreamName: CHORIA_MACHINE
                  SubmissionStreamName: CHORIA_SUBMISSION
            Provisioning:
              Issuers:
                choria: "{{new string('a', 64)}}"
            Liveness:
              LateAfter: "{{LateAfter}}"
              LostAfter: "{{late}}"
              SnapshotInterval: "00:00:01"
            Overlays:
              Region: test
              Local: {{Overlay}}
              Members:
                {{Overlay}}:
                  Brokers: ["{{Server.Url}}"]
            """);
        return path;
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Rpc;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>The parts of the adapter as a silo puts them together, with keys and secrets in a folder of their own.</summary>
internal sealed class FleetParts : IAsyncDisposable
{
    public const string Secret = "s3cret";
    public const string Overlay = "london";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-fleet-");

    /// <param name="provisioning">The broker of unprovisioned nodes.</param>
    /// <param name="overlay">The broker of the overlay; none when null.</param>
    /// <param name="configure">What else is set before the parts are made.</param>
    /// <param name="time">By which nodes are waited for; the system's by default.</param>
    /// <param name="local">The overlay that the silo runs.</param>
    public FleetParts(
        string provisioning = "nats://127.0.0.1:1",
        string? overlay = null,
        Action<FleetOptions>? configure = null,
        TimeProvider? time = null,
        string local = Overlay)
    {
        time ??= TimeProvider.System;
        Options = new FleetOptions
        {
            SharedSecretFile = Write("secret", Secret + "\n"),
            ProvisioningTokenSignerFiles = [Write("signer.pem", Signer.ExportSubjectPublicKeyInfoPem())],
            ServerTokenSeedFile = Write("issuer.seed", IssuerSeed),
            Provisioning = new NetworkOptions { Urls = [provisioning], Tls = false },
        };
        if (overlay is not null)
        {
            Options.Overlays[Overlay] = new NetworkOptions { Urls = [overlay], Tls = false };
        }

        configure?.Invoke(Options);
        var overlays = new OverlaysOptions { Region = "eu", Local = local };
        Fleet = Microsoft.Extensions.Options.Options.Create(Options);
        Secrets = new SharedSecret(Fleet);
        Overlays = Microsoft.Extensions.Options.Options.Create(overlays);
        Caller = new RegionCaller(Fleet, Overlays);
        Connections = new FleetConnections(Fleet, Overlays, Caller, TimeProvider.System, NullLoggerFactory.Instance);
        Inboxes = new ReplyInboxes(
            Connections, Caller, new Loops(time, NullLogger<Loops>.Instance), NullLogger<ReplyInboxes>.Instance);
        var trust = new ReplyTrust(Fleet, Provisioning);
        var contests = new Contests(new NodeReports(ToldNodes.Into(Contested)), time, NullLogger<Contests>.Instance);
        Calls = new NodeCalls(Inboxes, Caller, trust, contests, time);
        Agent = new ChoriaNodeAgent(Calls, Caller, Secrets, Fleet, new FixedOptions<OverlaysOptions>(overlays));
        Rpc = new ChoriaNodeRpc(
            Inboxes, Caller, trust, new FixedOptions<OverlaysOptions>(overlays), Meter, time, NullLogger<ChoriaNodeRpc>.Instance);
        Discovery = new ChoriaDiscovery(Calls, Fleet, time);
        Attestor = new ProvisioningTokenAttestor(Secrets, Fleet, Provisioning);
        Streams = new OverlayStreams(Connections, Overlays, Fleet);
    }

    public FleetConnections Connections { get; }

    public IOptions<FleetOptions> Fleet { get; }

    public IOptions<OverlaysOptions> Overlays { get; }

    public OverlayStreams Streams { get; }

    public static string IssuerSeed { get; } = new('7', 64);

    public Ed25519Key Issuer { get; } = Ed25519Key.FromSeedHex(IssuerSeed);

    public RSA Signer { get; } = TestRsa.For("signer of provisioning tokens");

    public FleetOptions Options { get; }

    public IOptions<ProvisioningOptions> Provisioning => Microsoft.Extensions.Options.Options.Create(
        new ProvisioningOptions { Issuers = { [TokenClaims.DefaultOrganization] = Issuer.PublicKeyHex } });

    public SharedSecret Secrets { get; }

    public RegionCaller Caller { get; }

    public ReplyInboxes Inboxes { get; }

    public NodeCalls Calls { get; }

    public INodeRpc Rpc { get; }

    public RpcMeter Meter { get; } = new();

    /// <summary>What the nodes' grains were told of two answers to one request.</summary>
    public ConcurrentQueue<(string Identity, ContestedAnswer Contested)> Contested { get; } = new();

    public INodeAgent Agent { get; }

    public IFleetDiscovery Discovery { get; }

    public INodeAttestor Attestor { get; }

    /// <summary>Waits until a node's grain was told of a contest.</summary>
    public async Task UntilToldAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while (Contested.IsEmpty)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), deadline.Token);
        }
    }

    public string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await Inboxes.DisposeAsync();
        Meter.Dispose();
        await Connections.DisposeAsync();
        Caller.Dispose();
        Issuer.Dispose();
        Signer.Dispose();
        folder.Delete(recursive: true);
    }
}

/// <summary>Options that do not change.</summary>
internal sealed class FixedOptions<T>(T value) : IOptionsMonitor<T>
{
    public T CurrentValue => value;

    public T Get(string? name) => value;

    public IDisposable? OnChange(Action<T, string?> listener) => null;
}

using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;
using ControlPlane.FleetSimulator.Tokens;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>A simulated node configured as a captured one was, connected to a <see cref="RecordingBroker"/>.</summary>
internal sealed class CapturedNode : IAsyncDisposable
{
    /// <summary>The broker that all captured nodes were told to use.</summary>
    public const string CapturedBroker = "nats://127.0.0.1:4222";

    private const string PlainInfo = """{"server_id":"N","version":"2.15.1","proto":1,"headers":true,"tls_available":true}""";

    private readonly SemaphoreSlim connecting = new(1);
    private readonly CancellationTokenSource stopping = new();

    private CapturedNode(string folder, string identity, NodeFiles files, DateTimeOffset startsAt, string? info)
    {
        Broker = new RecordingBroker(info ?? PlainInfo);
        Clock = new FakeTimeProvider(startsAt);
        var token = ProvisioningTokenOf(folder, identity) with { Urls = Broker.Url };
        var protocol = folder.StartsWith("v1", StringComparison.Ordinal) ? ChoriaProtocol.V1 : ChoriaProtocol.V2;
        var profile = new NodeProfile(
            identity, protocol, token, SimulatedFault.None, FactsOf(folder, token), DirectoryOf(folder, identity));
        View = new SimulatedNode(identity, protocol, SimulatedFault.None);
        var limits = new SessionLimits(connecting, TimeSpan.FromSeconds(30), false, TimeProvider.System);
        var options = new SimulatedFleetOptions { Brokers = Broker.Url, Time = Clock };
        var fleet = new FleetEnvironment(options, new SessionPool(1), limits, new RsaKeyMaker(), new RequestDecoder(), stopping.Token);
        Runner = new NodeRunner(0, profile, View, fleet, PointedAt(Broker.Url, files));
    }

    public RecordingBroker Broker { get; }

    public FakeTimeProvider Clock { get; }

    public SimulatedNode View { get; }

    public NodeRunner Runner { get; }

    /// <summary>A node that waits to be provisioned.</summary>
    public static CapturedNode Unprovisioned(string folder, string identity, DateTimeOffset startsAt, string? info = null) =>
        new(folder, identity, NodeFiles.Empty, startsAt, info);

    /// <summary>A node that has what the captured one had on disk after it was provisioned.</summary>
    public static CapturedNode Provisioned(
        string folder, string identity, DateTimeOffset startsAt, string? info = null, string? credentials = null) =>
        new(folder, identity, FilesOf(folder, identity, credentials), startsAt, info);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        Runner.End();
        await Broker.DisposeAsync();
    }

    private static NodeFiles PointedAt(string broker, NodeFiles files) => files.Configuration is { } configuration
        ? files with { Configuration = configuration.At(broker) }
        : files;

    private static string FirstName(string identity) => identity.Split('.')[0];

    private static string DirectoryOf(string folder, string identity) =>
        $"/srv/choria-lab/{folder}/{(folder == "v2-variants" ? "nodes/" : "")}{FirstName(identity)}/etc";

    // The agent has facts only if its token says where they are: /srv/choria-lab/<folder>/<node>/facts.json.
    private static byte[] FactsOf(string folder, ProvisioningToken token) =>
        JwtClaims.Text(JwtClaims.ReadOrNull(token.Text)!.Value, "chf") is { } path
            ? File.ReadAllBytes(Path.Combine([Captures.Root, folder, "keys", .. path.Split('/')[^2..]]))
            : "{}"u8.ToArray();

    private static ProvisioningToken ProvisioningTokenOf(string folder, string identity)
    {
        var connect = Captures.Lines(folder, "connect.jsonl")
            .Where(line => line["op"]!.GetValue<string>() == "CONNECT")
            .Select(line => JsonNode.Parse(line["args"]!.GetValue<string>())!)
            .First(line => line["name"]?.GetValue<string>() == identity && line["jwt"] is null && line["auth_token"] is not null);
        var text = connect["auth_token"]!.GetValue<string>();
        var claims = JwtClaims.ReadOrNull(text)!.Value;
        return new ProvisioningToken(text, JwtClaims.Text(claims, "cht")!, "", null, null, JwtClaims.Flag(claims, "update"));
    }

    private static NodeFiles FilesOf(string folder, string identity, string? credentials)
    {
        var node = Path.Combine("keys", FirstName(identity));
        var settings = Captures.Text(folder, Path.Combine(node, "etc", "server.conf")).Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('=', 2))
            .ToDictionary(setting => setting[0], setting => setting[1]);
        var files = new NodeFiles { Configuration = NodeConfiguration.From(settings) };
        if (!folder.StartsWith("v1", StringComparison.Ordinal))
        {
            var place = credentials ?? Path.Combine("etc", "server");
            var seed = Captures.Text(folder, Path.Combine(node, place + ".seed"));
            using var key = Ed25519Key.FromSeedHex(seed);
            return files with
            {
                Seed = Convert.FromHexString(seed),
                Ed25519PublicKey = key.PublicKeyHex,
                ServerToken = Captures.Text(folder, Path.Combine(node, place + ".jwt")),
            };
        }

        using var rsa = RSA.Create();
        rsa.ImportFromPem(Captures.Text(folder, Path.Combine(node, "etc/ssl/private.pem")));
        return files with
        {
            PrivateKey = NodeKey.Open(rsa.ExportRSAPrivateKey()),
            Certificate = Captures.Text(folder, Path.Combine(node, "etc/ssl/certificate.pem")),
            Authorities = Captures.Text(folder, Path.Combine(node, "etc/ssl/ca.pem")),
        };
    }
}

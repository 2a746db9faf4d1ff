using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Replication;
using ControlPlane.Store;
using LedgerEntry = ControlPlane.Certificates.LedgerEntry;

namespace ControlPlane.TestKit.Ports;

/// <summary>What ports are called with: good arguments, so that only the client can fail.</summary>
internal static class PortArguments
{
    private const string Identity = "web1.example.net";
    private const string Overlay = "london";

    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["identity"] = Identity,
        ["overlay"] = Overlay,
        ["agent"] = "unknown_agent",
        ["action"] = "ping",
        ["site"] = Overlay,
        ["channel"] = "tested-v1",
        ["partition"] = "0",
        ["id"] = "eu-1:00000000000000000000000000000000",
        ["issuer"] = "tested",
        ["orderId"] = $"{Identity}/1",
        ["signer"] = "tested",
        ["serialNumber"] = "4711",
        ["publicKeyFingerprint"] = new string('a', 64),
        ["area"] = "inventory",
        ["key"] = Identity,
        ["topic"] = "topic",
        ["token"] = "a.b.c",
        ["document"] = "{}",
        ["name"] = "chat",
        ["json"] = "{}",
        ["subject"] = "controlplane.job.j1.ended",
        ["signature"] = "c2lnbmVk",
        ["repository"] = "https://packages.example.net",
        ["version"] = "0.30.2",
        ["folder"] = "/nowhere/layers",
        ["path"] = "/nowhere/secret",
        ["link"] = "tested",
        ["checkpoint"] = """{"origin":{"incarnation":"1","sequence":0}}""",
    };

    private static readonly Dictionary<string, string> NoTexts = [];

    private static readonly Caller Asking = new() { Principal = "alice", Method = CallerMethod.Oidc };
    private static readonly AccessRequest Asked = new(Permissions.NodesReprovision) { Node = Identity };

    private static readonly Dictionary<Type, object> Samples = new()
    {
        [typeof(int)] = 1,
        [typeof(long)] = 0L,
        [typeof(ulong)] = 1UL,
        [typeof(TimeSpan)] = TimeSpan.FromSeconds(2),
        [typeof(DateTimeOffset)] = Now,
        [typeof(ReadOnlyMemory<byte>)] = new ReadOnlyMemory<byte>("{}"u8.ToArray()),
        [typeof(NodeProtocol)] = NodeProtocol.V2,
        [typeof(LedgerState)] = LedgerState.Intended,
        [typeof(LedgerPosition)] = new LedgerPosition(Now, ""),
        [typeof(LedgerEntry)] = new LedgerEntry(
            "tested", $"{Identity}/1", Identity, LedgerState.Intended, "digest", Now, null, null, null, Version: 0),
        [typeof(CertificateProfile)] = new CertificateProfile { Name = "node", Lifetime = TimeSpan.FromDays(7) },
        [typeof(CertificateOrder)] = CertificateOrders.For(
            Identity, SigningRequests.Elliptic(Identity), new CertificateProfile { Name = "node", Lifetime = TimeSpan.FromDays(7) }, Now),
        [typeof(RevocationOrder)] = new RevocationOrder(Certificate(), RevocationReason.Superseded),
        [typeof(NodeConfiguration)] = new NodeConfiguration(
            NoTexts, "", "", "/etc/choria/ssl", "", NoTexts, NoTexts),
        [typeof(NodeLogin)] = new NodeLogin("nats://127.0.0.1:1", AuthoritiesPem: null, HasCertificate: false, "choria", User: null, null),
        [typeof(ServerTokenOrder)] = new ServerTokenOrder(Identity, new string('a', 64), ["choria"], "choria", TimeSpan.FromDays(7)),
        [typeof(HelperQuestion)] = new HelperQuestion { Identity = Identity, InventoryJson = "{}", ClaimsJson = "{}" },
        [typeof(Caller)] = Asking,
        [typeof(AccessRequest)] = Asked,
        [typeof(AccessQuestion)] = new AccessQuestion(Asking, Asked, Overlay, Overlay, Now),
        [typeof(ExternalQuestion)] = new ExternalQuestion(Identity, "eu", "{}", "{}", "{}", Overlay, [new(Overlay, 1, 1, ["broker:4222"])]),
        [typeof(byte[])] = "{}"u8.ToArray(),
        [typeof(LivenessAdvisory)] = new LivenessAdvisory(Identity, AdvisoryKind.New, Now, Now),
        [typeof(RpcCall)] = new RpcCall(Overlay, "rpcutil", "ping", "{}"u8.ToArray()),
        [typeof(RpcFilter)] = RpcFilter.Everyone,
        [typeof(IReadOnlyList<RpcTarget>)] = new[] { new RpcTarget(Identity, NodeProtocol.V2) },
        [typeof(IReadOnlyCollection<string>)] = Array.Empty<string>(),
        [typeof(ReplicationObserver)] = new ReplicationObserver(_ => Task.CompletedTask, _ => { }, _ => { }),
        [typeof(LogRecord)] = new LogRecord("topic", Id: null, "{}"u8.ToArray()),
    };

    /// <exception cref="InvalidOperationException">There is none of that type yet; add one here.</exception>
    public static object Of(ParameterInfo parameter, IReadOnlyDictionary<string, string> texts, CancellationToken cancellationToken)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        return type == typeof(CancellationToken) ? cancellationToken
            : type == typeof(string)
                && (texts.GetValueOrDefault(parameter.Name!) ?? Texts.GetValueOrDefault(parameter.Name!)) is { } text ? text
            : Samples.GetValueOrDefault(type)
                ?? throw new InvalidOperationException($"{nameof(PortArguments)} has no {type} for '{parameter.Name}' of {parameter.Member}");
    }

    private static byte[] Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Identity}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(Now, Now.AddDays(1));
        return certificate.RawData;
    }
}

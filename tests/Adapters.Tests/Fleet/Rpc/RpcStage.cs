using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Fleet.Rpc;

/// <summary>A broker, a silo's parts that can prove themselves to nodes of both protocols, and nodes as a test scripts them.</summary>
internal sealed class RpcStage : IAsyncDisposable
{
    public const string Caller = "choria=eu.controlplane";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-rpc-");
    private readonly Ed25519Key callerKey = Ed25519Key.FromSeedHex(new string('4', 64));

    private RpcStage(NatsServer broker, bool canSignV1, TimeProvider? time)
    {
        Broker = broker;
        using var issuer = Ed25519Key.FromSeedHex(FleetParts.IssuerSeed);
        var claims = new ClientClaims
        {
            CallerId = Caller,
            PublicKey = callerKey.PublicKeyHex,
            OrganizationUnit = TokenClaims.DefaultOrganization,
            Permissions = new ClientPermissions { FleetManagement = true },
        };
        var token = TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow());
        var proof = new CallerProofOptions
        {
            TokenFile = Write("caller.jwt", token), SeedFile = Write("caller.seed", callerKey.ExportSeedHex()),
        };
        if (canSignV1)
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=eu.controlplane", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var now = TimeProvider.System.GetUtcNow();
            using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
            proof.CertificateFile = Write("caller.pem", certificate.ExportCertificatePem());
            proof.KeyFile = Write("caller.key", key.ExportPkcs8PrivateKeyPem());
        }

        Parts = new FleetParts(broker.Url, broker.Url, options => options.CallerProof = proof, time);
    }

    public NatsServer Broker { get; }

    public FleetParts Parts { get; }

    public INodeRpc Rpc => Parts.Rpc;

    public static RpcCall Ping => new(FleetParts.Overlay, RpcutilAgent.Name, "ping", ReadOnlyMemory<byte>.Empty);

    public static async Task<RpcStage> StartAsync(
        CancellationToken cancellationToken, bool canSignV1 = true, NatsServerSettings? settings = null, TimeProvider? time = null) =>
        new(await NatsServer.StartAsync(settings ?? new NatsServerSettings(), cancellationToken), canSignV1, time);

    /// <summary>How a node of the overlay signs what it answers.</summary>
    public ReplySigner SignerOf(string identity, Ed25519Key key) => new(key, ServerToken(identity, key));

    public string ServerToken(string identity, Ed25519Key key)
    {
        var claims = new ServerClaims
        {
            Identity = identity, Collectives = ["choria"], PublicKey = key.PublicKeyHex, OrganizationUnit = TokenClaims.DefaultOrganization,
        };
        return TokenIssuer.Organization(Parts.Issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow());
    }

    public Task<ScriptedNode> NodeAsync(string identity, Func<ReceivedRequest, IEnumerable<ScriptedReply>> answer) =>
        ScriptedNode.StartAsync(Broker.Url, "choria", identity, answer);

    public static ScriptedReply Pong(string identity, string message = "OK") =>
        new(identity, new RpcReply("ping", (int)RpcStatus.Ok, message, """{"pong":1}"""u8.ToArray()).Encode());

    public static RpcTarget V2(string identity) => new(identity, NodeProtocol.V2);

    public static RpcTarget V1(string identity) => new(identity, NodeProtocol.V1);

    /// <summary>Reads so many replies.</summary>
    public static async Task<List<RpcNodeReply>> ReadAsync(IRpcRequest request, int count, CancellationToken cancellationToken)
    {
        var read = new List<RpcNodeReply>(count);
        await foreach (var reply in request.ReadRepliesAsync(cancellationToken))
        {
            read.Add(reply);
            if (read.Count == count)
            {
                break;
            }
        }

        return read;
    }

    public async ValueTask DisposeAsync()
    {
        await Parts.DisposeAsync();
        await Broker.DisposeAsync();
        callerKey.Dispose();
        folder.Delete(recursive: true);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}

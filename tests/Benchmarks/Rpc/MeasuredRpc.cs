using System.Globalization;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Placement;
using ControlPlane.TestKit;

namespace ControlPlane.Benchmarks.Rpc;

/// <summary>A broker, nodes that answer, and our RPC as a silo has it.</summary>
internal sealed class MeasuredRpc : IAsyncDisposable
{
    public const string Overlay = "bench";
    private const string CallerId = "choria=bench.controlplane";

    private readonly NatsServer broker;
    private readonly AnsweringNodes nodes;
    private readonly DirectoryInfo folder;
    private readonly OurRpc ours;
    private readonly Ed25519Key key;
    private int requests;

    private MeasuredRpc(NatsServer broker, AnsweringNodes nodes, DirectoryInfo folder, Ed25519Key issuer, Ed25519Key key, bool isSigned)
    {
        (this.broker, this.nodes, this.folder, this.key) = (broker, nodes, folder, key);
        var claims = new ClientClaims
        {
            CallerId = CallerId, PublicKey = key.PublicKeyHex, Permissions = new ClientPermissions { FleetManagement = true },
        };
        var token = TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow());
        var fleet = new FleetOptions
        {
            RequireSignedReplies = isSigned,
            CallerProof = new CallerProofOptions
            {
                TokenFile = Write("caller.jwt", token), SeedFile = Write("caller.seed", key.ExportSeedHex()),
            },
            Overlays = { [Overlay] = new NetworkOptions { Urls = [broker.Url], Tls = false } },
        };
        ours = new OurRpc(fleet, new OverlaysOptions { Region = Overlay, Local = Overlay }, issuer.PublicKeyHex);
    }

    public OurRpc Ours => ours;

    public string Url => broker.Url;

    public static async Task<MeasuredRpc> StartAsync(int count, bool isSigned, CancellationToken cancellationToken)
    {
        var broker = await NatsServer.StartAsync(new NatsServerSettings(), cancellationToken);
        using var issuer = Ed25519Key.Generate();
        var key = Ed25519Key.Generate();
        var nodes = await AnsweringNodes.StartAsync(broker.Url, count, key, isSigned ? issuer : null, cancellationToken);
        return new MeasuredRpc(broker, nodes, Directory.CreateTempSubdirectory("controlplane-rpc-"), issuer, key, isSigned);
    }

    /// <summary>The bytes that ours publishes, and where the replies to them come.</summary>
    public (byte[] Payload, string ReplySubject) Request()
    {
        var request = ours.Caller.Request(
            ChoriaProtocol.V2,
            "choria",
            RpcutilAgent.Name,
            RpcutilAgent.Ping.EncodeRequest(new NoInput()),
            ChoriaFilter.HavingAgent(RpcutilAgent.Name),
            TimeProvider.System.GetUtcNow());
        var number = (requests++).ToString(CultureInfo.InvariantCulture);
        var subject = $"{ChoriaSubjects.ReplyPrefix("choria", CallerId)}.0123456789abcdef.all.raw{number}";
        return (ours.Caller.Encode(request, ours.Caller.SignerOrNull(ChoriaProtocol.V2)!, subject), subject);
    }

    public async ValueTask DisposeAsync()
    {
        await ours.DisposeAsync();
        await nodes.DisposeAsync();
        await broker.DisposeAsync();
        key.Dispose();
        folder.Delete(recursive: true);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}

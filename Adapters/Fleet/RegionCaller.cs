using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Who the region is to nodes: the same for all of its silos, so that any of them may go on within a node's lock.</summary>
internal sealed class RegionCaller : IDisposable
{
    private readonly Dictionary<ChoriaProtocol, RequestSigner> signers = [];
    private readonly RSA? certificateKey;
    private readonly Ed25519Key? tokenKey;

    public RegionCaller(IOptions<FleetOptions> options, IOptions<OverlaysOptions> overlays)
    {
        Sender = SenderOf(overlays.Value);
        Id = IdOf(options.Value, overlays.Value);

        if (options.Value.CallerProof is { TokenFile: { } tokenFile, SeedFile: { } seedFile })
        {
            tokenKey = Ed25519Key.FromSeed(SecretFile.ReadHex(seedFile));
            signers[ChoriaProtocol.V2] = RequestSigner.WithToken(tokenKey, SecretFile.Read(tokenFile));
        }

        if (options.Value.CallerProof is { CertificateFile: { } certificateFile, KeyFile: { } keyFile })
        {
            certificateKey = RSA.Create();
            certificateKey.ImportFromPem(File.ReadAllText(keyFile));
            signers[ChoriaProtocol.V1] = RequestSigner.WithCertificate(certificateKey, File.ReadAllText(certificateFile));
        }
    }

    public string Id { get; }

    public string Sender { get; }

    /// <summary>Who we are to nodes: as configured, or named after the region.</summary>
    public static string IdOf(FleetOptions options, OverlaysOptions overlays) => options.Caller ?? $"choria={SenderOf(overlays)}";

    /// <summary>How we prove ourselves to provisioned nodes of a protocol; null when that is not configured.</summary>
    public RequestSigner? SignerOrNull(ChoriaProtocol protocol) => signers.GetValueOrDefault(protocol);

    /// <summary>A request in our name.</summary>
    public ChoriaRequest Request(
        ChoriaProtocol protocol,
        string collective,
        string agent,
        ReadOnlyMemory<byte> body,
        ChoriaFilter filter,
        DateTimeOffset now) => new()
    {
        Protocol = protocol,
        Id = RequestId.New(protocol, now),
        Sender = Sender,
        Caller = Id,
        Collective = collective,
        Agent = agent,
        UnixNanoseconds = UnixTime.Nanoseconds(now),
        Filter = filter,
        Body = body,
    };

    /// <summary>The payload of such a request, signed.</summary>
    public byte[] Encode(ChoriaRequest request, RequestSigner signer, string replySubject) =>
        ChoriaEnvelope.EncodeRequest(request, new TransportHeaders(replySubject, Sender), signer);

    public void Dispose()
    {
        certificateKey?.Dispose();
        tokenKey?.Dispose();
    }

    private static string SenderOf(OverlaysOptions overlays) => $"{overlays.Region}.controlplane";
}

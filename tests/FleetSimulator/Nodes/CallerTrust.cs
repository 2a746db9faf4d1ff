using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>
/// Whom a provisioned node believes: callers of its CA in V1, callers of its issuers in V2. Remembers the last verdict: one request comes
/// to each of 20,000 nodes, most of which believe the same.
/// </summary>
internal sealed class CallerTrust
{
    private Verdict? last;

    public bool Accepts(ReceivedRequest received, NodeView node)
    {
        var isV1 = received.Request.Protocol == ChoriaProtocol.V1;
        var believed = (isV1 ? node.Files.Authorities : node.Files.Configuration?.IssuersText) ?? "";
        if (Volatile.Read(ref last) is { } known && ReferenceEquals(known.Received, received) && known.Believed == believed)
        {
            return known.IsAccepted;
        }

        var accepts = Judge(received, node);
        Volatile.Write(ref last, new Verdict(received, believed, accepts));
        return accepts;
    }

    private static bool Judge(ReceivedRequest received, NodeView node)
    {
        try
        {
            return received.Request.Protocol == ChoriaProtocol.V1
                ? AcceptsCertificate(received, node)
                : AcceptsToken(received, node);
        }
        catch (Exception none) when (none is ChoriaFormatException or CryptographicException)
        {
            // The CA or the issuers that the node was configured with are none: it believes nobody.
            return false;
        }
    }

    private static bool AcceptsCertificate(ReceivedRequest received, NodeView node)
    {
        if (node.Files.Authorities is not { } authorities)
        {
            return false;
        }

        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(authorities);
        using var trust = new CertificateTrust(certificates);
        return trust.TryVerifyCaller(received, node.Now, out _);
    }

    private static bool AcceptsToken(ReceivedRequest received, NodeView node)
    {
        var issuers = node.Files.Configuration?.Issuers ?? new Dictionary<string, string>();
        var trust = TokenTrust.InOrganizations(
            issuers.ToDictionary(issuer => issuer.Key, issuer => IssuerKey.FromEd25519Hex(issuer.Value)));
        return RequestVerification.TryVerifyCaller(received, trust, node.Now, out _, out _);
    }

    private sealed record Verdict(ReceivedRequest Received, string Believed, bool IsAccepted);
}

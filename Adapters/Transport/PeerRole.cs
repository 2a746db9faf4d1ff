using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Transport;

/// <summary>What one end of a connection between Orleans processes is.</summary>
public enum PeerRole
{
    /// <summary>A silo of the site: it may do everything there.</summary>
    Silo,

    /// <summary>A client of the site's gateways, such as a workflow engine.</summary>
    Client,
}

/// <summary>How a certificate says which site a peer is of, and as what.</summary>
public static class PeerName
{
    /// <summary>The URI that must be among the certificate's subject alternative names, e.g. <c>controlplane://eu-1/silo</c>.</summary>
    public static string Of(string site, PeerRole role) => $"controlplane://{site}/{(role == PeerRole.Silo ? "silo" : "client")}";

    /// <summary>What is wrong with a certificate's names; null when it has the one that is asked for, as it is written.</summary>
    public static string? FaultOf(X509Certificate2 certificate, string site, PeerRole role)
    {
        var (wanted, found) = (Of(site, role), UrisOf(certificate));
        return found.Contains(wanted, StringComparer.Ordinal)
            ? null
            : $"its subject alternative names must hold the URI {wanted}, "
                + $"they hold {(found.Count == 0 ? "none" : string.Join(", ", found))}";
    }

    private static List<string> UrisOf(X509Certificate2 certificate)
    {
        const string prefix = "uri:";
        try
        {
            return CertificateFields.Read(certificate.RawDataMemory).Find(Oids.SubjectAlternativeName) is { } names
                ? [.. CertificateExtension.ReadNames(names.Value)
                    .Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..])]
                : [];
        }
        catch (AsnContentException)
        {
            return [];
        }
    }
}

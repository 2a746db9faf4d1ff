using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.X509;

/// <summary>Whether the certificate of a TLS peer leads to one of our own CAs, which may be intermediates.</summary>
/// <remarks>
/// The platform takes self-signed roots for anchors only, so it is asked for any chain by <see cref="PolicyOf"/>, and the chain for one of
/// ours by <see cref="DoubtOrNull"/>: neither is enough without the other.
/// </remarks>
public static class PeerTrust
{
    /// <summary>How the platform builds the peer's chain.</summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(authorities);
        return policy;
    }

    /// <summary>How the platform judges a server by itself, by the roots of a file; no other CA counts, and nothing is fetched.</summary>
    public static X509ChainPolicy RootsOf(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(PemCertificates.ReadFile(caFile));
        return policy;
    }

    /// <summary>Why a peer is not trusted; null when it is. The name in its certificate is not looked at.</summary>
    /// <param name="peer">Who it is, in the message.</param>
    /// <param name="chain">What the platform built.</param>
    /// <param name="errors">What it found.</param>
    /// <param name="authorities">Our CAs; null when those of the machine count.</param>
    public static string? DoubtOrNull(string peer, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection? authorities)
    {
        if (chain is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return $"{peer} showed no certificate";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            return $"{peer}'s certificate is not trusted: {FaultsOf(chain)}";
        }

        return authorities is null || LeadsTo(chain, authorities) ? null : $"{peer}'s certificate leads to none of the CAs in CaFile";
    }

    /// <summary>Why a certificate of our own would not be trusted by peers with the same CAs; null when it would.</summary>
    public static string? DoubtOrNull(X509Certificate2Collection own, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = PolicyOf(authorities) };
        chain.ChainPolicy.ExtraStore.AddRange(own);
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return !chain.Build(own[0]) ? FaultsOf(chain) : LeadsTo(chain, authorities) ? null : "it leads to none of the CAs";
    }

    private static string FaultsOf(X509Chain chain) =>
        string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct(StringComparer.Ordinal));

    private static bool LeadsTo(X509Chain chain, X509Certificate2Collection authorities) => chain.ChainElements.Any(element =>
        authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(element.Certificate.RawDataMemory.Span)));
}

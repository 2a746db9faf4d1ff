using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>The certificate that a node was given, and the key that it has for it.</summary>
internal static class NodeCertificates
{
    /// <summary>Why the two do not go together, in the words of the agent's TLS library; null when they do.</summary>
    public static string? Fault(string certificatePem, NodeKey privateKey)
    {
        try
        {
            new X509Certificate2Collection().ImportFromPem(certificatePem);
            using var certificate = X509Certificate2.CreateFromPem(certificatePem);
            return certificate.PublicKey.EncodedKeyValue.RawData.AsSpan().SequenceEqual(privateKey.PublicKey)
                ? null
                : "tls: private key does not match public key";
        }
        catch (CryptographicException unreadable)
        {
            return $"tls: {unreadable.Message}";
        }
    }

    /// <summary>What a TLS client presents: the certificate, its key, and the rest of the chain that stands below it in the PEM.</summary>
    public static SslStreamCertificateContext ForClient(string certificatePem, NodeKey privateKey)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificatePem);
        using var leaf = chain[0];
        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(privateKey.With(leaf.CopyWithPrivateKey), chain, offline: true);
    }

    /// <summary>The serial number in hexadecimal as OpenSSL prints it; null without a certificate.</summary>
    public static string? SerialOrNull(string? certificatePem)
    {
        if (certificatePem is null)
        {
            return null;
        }

        try
        {
            using var certificate = X509Certificate2.CreateFromPem(certificatePem);
            return certificate.SerialNumber;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

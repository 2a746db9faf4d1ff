using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.Certificates;

/// <summary>Signing requests as nodes make them, and as they should not.</summary>
public static class SigningRequests
{
    // Making a key takes a tenth of a second; who needs keys that differ says so.
    private static readonly Lazy<RSA> SharedRsa = new(() => RSA.Create(2048));

    /// <summary>What go-choria's gencsr builds: a common name, RSA-2048, SHA-256 and no extensions.</summary>
    public static string Choria(string identity) => Make(identity, SharedRsa.Value);

    /// <summary>A P-256 request with a key of its own: the cheapest way to many keys.</summary>
    public static string Elliptic(string identity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Make(identity, key);
    }

    /// <summary>A request by a given key, with whatever it should ask for.</summary>
    public static string Make(
        string identity, AsymmetricAlgorithm key, HashAlgorithmName? digest = null, params X509Extension[] extensions)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(identity);
        return Make(subject.Build(), key, digest, extensions);
    }

    /// <inheritdoc cref="Make(string, AsymmetricAlgorithm, HashAlgorithmName?, X509Extension[])"/>
    public static string Make(
        X500DistinguishedName subject, AsymmetricAlgorithm key, HashAlgorithmName? digest = null, params X509Extension[] extensions)
    {
        var hash = digest ?? HashAlgorithmName.SHA256;
        var request = key switch
        {
            RSA rsa => new CertificateRequest(subject, rsa, hash, RSASignaturePadding.Pkcs1),
            ECDsa ecdsa => new CertificateRequest(subject, ecdsa, hash),
            _ => throw new ArgumentException("RSA or ECDSA", nameof(key)),
        };
        foreach (var extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        return request.CreateSigningRequestPem() + "\n";
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>An issuing CA: its certificate, and the pinned version of its key in the vault.</summary>
internal sealed class KeyVaultAuthority
{
    private readonly X509SignatureGenerator algorithm;

    /// <exception cref="IssuerMisconfiguredException">
    /// The certificate may not sign certificates, or by no algorithm that we know.
    /// </exception>
    public KeyVaultAuthority(X509Certificate2 certificate, Uri keyId, bool inHsm, int? limit, IReadOnlyList<byte[]> above)
    {
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true })
        {
            throw new IssuerMisconfiguredException($"'{certificate.Subject}' in the vault is not a CA certificate");
        }

        // keys/{name}/{version}: without a version the vault would take the current one, whatever the certificate says.
        if (keyId.Segments.Length != 4)
        {
            throw new IssuerMisconfiguredException($"the key '{keyId}' has no version");
        }

        Certificate = certificate;
        KeyId = keyId;
        Chain = [certificate.RawData, .. above];
        (algorithm, SignatureName, Digest, var documented) = Describe(certificate);
        Limit = limit ?? (inHsm ? documented / 2 : documented);
        AlgorithmIdentifier = algorithm.GetSignatureAlgorithmIdentifier(Digest);
    }

    public X509Certificate2 Certificate { get; }

    public Uri KeyId { get; }

    /// <summary>What Key Vault calls the algorithm: <c>RS256</c>, <c>ES384</c>.</summary>
    public string SignatureName { get; }

    public HashAlgorithmName Digest { get; }

    /// <summary>AlgorithmIdentifier of the signatures, DER.</summary>
    public byte[] AlgorithmIdentifier { get; }

    /// <summary>Whether signatures come as two numbers side by side, which X.509 does not know.</summary>
    public bool IsElliptic => SignatureName.StartsWith("ES", StringComparison.Ordinal);

    /// <summary>Signatures in ten seconds that the vault allows by this key.</summary>
    public int Limit { get; }

    /// <summary>This certificate and those above it, DER.</summary>
    public IReadOnlyList<byte[]> Chain { get; }

    // The limits are those of Azure's service limits page, for software keys.
    private static (
        X509SignatureGenerator Algorithm, string Name, HashAlgorithmName Digest, int Limit) Describe(X509Certificate2 certificate)
    {
        if (certificate.GetRSAPublicKey() is { } rsa)
        {
            var generator = X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1);
            return rsa.KeySize switch
            {
                <= 2048 => (generator, "RS256", HashAlgorithmName.SHA256, 4000),
                <= 3072 => (generator, "RS256", HashAlgorithmName.SHA256, 1000),
                _ => (generator, "RS384", HashAlgorithmName.SHA384, 500),
            };
        }

        if (certificate.GetECDsaPublicKey() is { } ecdsa)
        {
            var generator = X509SignatureGenerator.CreateForECDsa(ecdsa);
            return ecdsa.KeySize switch
            {
                256 => (generator, "ES256", HashAlgorithmName.SHA256, 4000),
                384 => (generator, "ES384", HashAlgorithmName.SHA384, 4000),
                521 => (generator, "ES512", HashAlgorithmName.SHA512, 4000),
                _ => throw new IssuerMisconfiguredException($"'{certificate.Subject}' has a curve of {ecdsa.KeySize} bits"),
            };
        }

        throw new IssuerMisconfiguredException($"'{certificate.Subject}' has neither an RSA nor an elliptic key");
    }
}

namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

/// <summary>The public key of who signs tokens: ed25519, or RSA for the provisioning tokens of x509 networks.</summary>
public abstract record IssuerKey
{
    private IssuerKey()
    {
    }

    /// <summary>Hexadecimal ed25519 public key, as <c>plugin.security.issuer.&lt;name&gt;.public</c> has it.</summary>
    /// <exception cref="ChoriaFormatException">It is anything else.</exception>
    public static IssuerKey FromEd25519Hex(string publicKey) =>
        Hex.TryDecode(publicKey, Ed25519Key.PublicKeyBytes, out var bytes)
            ? new Ed25519(bytes)
            : throw Fault($"is not {Ed25519Key.PublicKeyBytes} bytes of hexadecimal");

    /// <summary>The RSA key of a certificate.</summary>
    /// <exception cref="ChoriaFormatException">It has another kind of key.</exception>
    public static IssuerKey FromCertificate(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        using var key = certificate.GetRSAPublicKey() ?? throw Fault("is a certificate whose key is not RSA");
        return new Rsa(key.ExportParameters(includePrivateParameters: false));
    }

    /// <summary>PEM of one RSA public key.</summary>
    /// <exception cref="ChoriaFormatException">It is anything else.</exception>
    public static IssuerKey FromRsaPem(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        try
        {
            using var key = RSA.Create();
            key.ImportFromPem(pem);
            return new Rsa(key.ExportParameters(includePrivateParameters: false));
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            throw Fault("is not one RSA public key in PEM", unreadable);
        }
    }

    internal abstract bool Allows(string algorithm);

    internal abstract bool Verifies(string algorithm, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature);

    private static ChoriaFormatException Fault(string problem, Exception? inner = null) =>
        new(new ChoriaFault(ChoriaLayer.Key, "issuer", problem), inner);

    internal sealed record Ed25519(ReadOnlyMemory<byte> PublicKey) : IssuerKey
    {
        internal override bool Allows(string algorithm) => algorithm == TokenAlgorithms.EdDsa;

        internal override bool Verifies(string algorithm, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
            Ed25519Key.Verify(PublicKey.Span, bytes, signature);
    }

    internal sealed record Rsa(RSAParameters PublicKey) : IssuerKey
    {
        internal override bool Allows(string algorithm) => TokenAlgorithms.HashOf(algorithm) is not null;

        internal override bool Verifies(string algorithm, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
        {
            // A key object per call: sharing one between threads is nowhere promised.
            using var key = RSA.Create(PublicKey);
            return key.VerifyData(bytes, signature, TokenAlgorithms.HashOf(algorithm)!.Value, RSASignaturePadding.Pkcs1);
        }
    }
}

/// <summary>The algorithms of tokens; there are no others, and none without a public key.</summary>
internal static class TokenAlgorithms
{
    public const string EdDsa = "EdDSA";
    public const string Rs256 = "RS256";

    public static HashAlgorithmName? HashOf(string algorithm) => algorithm switch
    {
        Rs256 => HashAlgorithmName.SHA256,
        "RS384" => HashAlgorithmName.SHA384,
        "RS512" => HashAlgorithmName.SHA512,
        _ => null,
    };
}

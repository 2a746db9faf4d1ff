using System.Security.Cryptography;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>An RSA key of a node, opened once: reading one costs OpenSSL 3 more than signing with it.</summary>
/// <remarks>Immutable; never disposed, because its pool and its node hold it for as long as the process lives.</remarks>
internal sealed class NodeKey
{
    private readonly RSA rsa;
    private readonly Lock signing = new();

    private NodeKey(RSA rsa)
    {
        this.rsa = rsa;
        PublicKeyInfo = rsa.ExportSubjectPublicKeyInfo();
        PublicKey = rsa.ExportRSAPublicKey();
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(PublicKeyInfo));
    }

    /// <summary>The SubjectPublicKeyInfo.</summary>
    public byte[] PublicKeyInfo { get; }

    /// <summary>The public key as PKCS#1.</summary>
    public byte[] PublicKey { get; }

    /// <summary>SHA-256 over <see cref="PublicKeyInfo"/>, lower-case hexadecimal.</summary>
    public string Fingerprint { get; }

    public static NodeKey Generate(int bits) => new(RSA.Create(bits));

    /// <exception cref="CryptographicException">It is not PKCS#1 DER of a private key.</exception>
    public static NodeKey Open(ReadOnlySpan<byte> pkcs1)
    {
        var rsa = RSA.Create();
        rsa.ImportRSAPrivateKey(pkcs1, out _);
        return new NodeKey(rsa);
    }

    /// <exception cref="CryptographicException">They are not those of a private key.</exception>
    public static NodeKey Open(in RSAParameters parameters) => new(RSA.Create(parameters));

    public byte[] Export() => rsa.ExportRSAPrivateKey();

    public byte[] Sign(byte[] bytes)
    {
        lock (signing)
        {
            return rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
    }

    /// <summary>Hands the key to code that wants one; not to be disposed, and not used by two at a time.</summary>
    public TResult With<TResult>(Func<RSA, TResult> use)
    {
        lock (signing)
        {
            return use(rsa);
        }
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>A CA's private key. Thread-safe: the platform's key objects are not said to be, so that each caller gets its own.</summary>
internal sealed class SigningKey
{
    private const int SerialKeyBytes = 32;

    private readonly Func<AsymmetricAlgorithm> open;
    private readonly ConcurrentBag<AsymmetricAlgorithm> idle = [];

    private SigningKey(Func<AsymmetricAlgorithm> open, byte[] publicKeyInfo, byte[] serialKey, HashAlgorithmName digest, byte[] algorithm)
    {
        this.open = open;
        PublicKeyInfo = publicKeyInfo;
        SerialKey = serialKey;
        Digest = digest;
        Algorithm = algorithm;
    }

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public byte[] PublicKeyInfo { get; }

    /// <summary>Secret from which serial numbers are derived: the same wherever the key is used.</summary>
    public byte[] SerialKey { get; }

    /// <summary>What is signed is digested by this.</summary>
    public HashAlgorithmName Digest { get; }

    /// <summary>AlgorithmIdentifier of the signatures, DER.</summary>
    public byte[] Algorithm { get; }

    public static SigningKey From(RSA rsa)
    {
        var parameters = rsa.ExportParameters(includePrivateParameters: true);
        var digest = rsa.KeySize > 3072 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
        var generator = X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1);
        return new SigningKey(
            () => RSA.Create(parameters),
            rsa.ExportSubjectPublicKeyInfo(),
            DeriveSerialKey(parameters.D!),
            digest,
            generator.GetSignatureAlgorithmIdentifier(digest));
    }

    public static SigningKey From(ECDsa ecdsa)
    {
        var parameters = ecdsa.ExportParameters(includePrivateParameters: true);
        var digest = ecdsa.KeySize > 256 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
        return new SigningKey(
            () => ECDsa.Create(parameters),
            ecdsa.ExportSubjectPublicKeyInfo(),
            DeriveSerialKey(parameters.D!),
            digest,
            X509SignatureGenerator.CreateForECDsa(ecdsa).GetSignatureAlgorithmIdentifier(digest));
    }

    /// <summary>Makes a key.</summary>
    public static AsymmetricAlgorithm Create(LocalCaKeyKind kind) => kind switch
    {
        LocalCaKeyKind.Rsa2048 => RSA.Create(2048),
        LocalCaKeyKind.Rsa3072 => RSA.Create(3072),
        LocalCaKeyKind.Rsa4096 => RSA.Create(4096),
        LocalCaKeyKind.P256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        LocalCaKeyKind.P384 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>Signs <c>SEQUENCE { body, algorithm, signature }</c>: a certificate or a revocation list.</summary>
    public byte[] SignBody(byte[] body) => CertificateWriter.Join(body, Algorithm, Sign(body));

    private byte[] Sign(byte[] body)
    {
        if (!idle.TryTake(out var key))
        {
            key = open();
        }

        var signature = key switch
        {
            RSA rsa => rsa.SignData(body, Digest, RSASignaturePadding.Pkcs1),
            ECDsa ecdsa => ecdsa.SignData(body, Digest, DSASignatureFormat.Rfc3279DerSequence),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        idle.Add(key);
        return signature;
    }

    private static byte[] DeriveSerialKey(byte[] secret) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, SerialKeyBytes, info: "ControlPlane serial numbers"u8.ToArray());
}

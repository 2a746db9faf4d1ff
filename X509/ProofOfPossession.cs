using System.Security.Cryptography;

namespace ControlPlane.X509;

/// <summary>Verifies signatures with keys that were judged acceptable, by algorithms that are.</summary>
public static class ProofOfPossession
{
    /// <summary>The digest of a signature algorithm that fits the key; null for SHA-1, MD5, PSS and those of another kind of key.</summary>
    public static HashAlgorithmName? DigestOf(string signatureAlgorithm, PublicKeyParts key) => (signatureAlgorithm, key) switch
    {
        (Oids.Sha256Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA256,
        (Oids.Sha384Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA384,
        (Oids.Sha512Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA512,
        (Oids.Sha256Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA256,
        (Oids.Sha384Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA384,
        (Oids.Sha512Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA512,
        _ => null,
    };

    /// <summary>Whether the signature over the bytes is the key's. A key that is no key (a point off its curve) verifies nothing.</summary>
    public static bool Verifies(
        PublicKeyParts key, HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var opened = Open(key);
            return Verifies(opened, digest, signed, signature);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Makes the platform's object of a key, which costs several times what verifying with it does.</summary>
    /// <exception cref="CryptographicException">It is no key, or of a kind that is not verified.</exception>
    public static AsymmetricAlgorithm Open(PublicKeyParts key) => key switch
    {
        PublicKeyParts.Rsa rsa => RSA.Create(new RSAParameters { Modulus = rsa.Modulus, Exponent = rsa.Exponent }),
        PublicKeyParts.Elliptic point => ECDsa.Create(new ECParameters
        {
            Curve = point.Curve == Oids.CurveP256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
            Q = new ECPoint { X = point.X, Y = point.Y },
        }),
        _ => throw new CryptographicException("keys of this kind are not verified"),
    };

    /// <summary>Whether the signature over the bytes is the opened key's.</summary>
    public static bool Verifies(
        AsymmetricAlgorithm key, HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) => key switch
    {
        RSA rsa => rsa.VerifyData(signed, signature, digest, RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => ecdsa.VerifyData(signed, signature, digest, DSASignatureFormat.Rfc3279DerSequence),
        _ => false,
    };
}

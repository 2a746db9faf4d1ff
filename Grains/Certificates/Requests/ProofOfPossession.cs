using System.Security.Cryptography;

namespace ControlPlane.Certificates;

/// <summary>Verifies signatures with keys that were judged acceptable, by algorithms that are.</summary>
internal static class ProofOfPossession
{
    /// <summary>The digest of a signature algorithm that fits the key; null for SHA-1, MD5, PSS and those of another kind of key.</summary>
    public static HashAlgorithmName? DigestOf(string signatureAlgorithm, PublicKeyParts key) => (signatureAlgorithm, key) switch
    {
        (CertificateOids.Sha256Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA256,
        (CertificateOids.Sha384Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA384,
        (CertificateOids.Sha512Rsa, PublicKeyParts.Rsa) => HashAlgorithmName.SHA512,
        (CertificateOids.Sha256Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA256,
        (CertificateOids.Sha384Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA384,
        (CertificateOids.Sha512Ecdsa, PublicKeyParts.Elliptic) => HashAlgorithmName.SHA512,
        _ => null,
    };

    /// <summary>Whether the signature over the bytes is the key's. A key that is no key (a point off its curve) verifies nothing.</summary>
    public static bool Verifies(
        PublicKeyParts key, HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        try
        {
            return key switch
            {
                PublicKeyParts.Rsa rsa => VerifiesRsa(rsa, digest, signed, signature),
                PublicKeyParts.Elliptic point => VerifiesEcdsa(point, digest, signed, signature),
                _ => false,
            };
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool VerifiesRsa(
        PublicKeyParts.Rsa key, HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create(new RSAParameters { Modulus = key.Modulus, Exponent = key.Exponent });
        return rsa.VerifyData(signed, signature, digest, RSASignaturePadding.Pkcs1);
    }

    private static bool VerifiesEcdsa(
        PublicKeyParts.Elliptic key, HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = key.Curve == CertificateOids.CurveP256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
            Q = new ECPoint { X = key.X, Y = key.Y },
        });
        return ecdsa.VerifyData(signed, signature, digest, DSASignatureFormat.Rfc3279DerSequence);
    }
}

using System.Buffers.Binary;
using System.Numerics;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Which keys a certificate may be made for. Pure; costs nothing before the size is known to be sane.</summary>
internal static class PublicKeyRules
{
    // Go, which the fleet is written in, reads no larger exponent; a smaller one than 65537 is a sign of a home-made generator.
    private const uint ExponentMin = 65_537;
    private const uint ExponentMax = int.MaxValue;

    /// <summary>Why the key is not acceptable, or null.</summary>
    public static string? Fault(PublicKeyParts key, CertificateProfile profile) => key switch
    {
        PublicKeyParts.Rsa rsa => RsaFault(rsa, profile),
        PublicKeyParts.Elliptic when !profile.EllipticKeys => "the profile takes RSA keys only",
        PublicKeyParts.Elliptic => null,
        PublicKeyParts.Unknown unknown => $"keys of kind {unknown.Algorithm} are not issued for; RSA, P-256 and P-384 are",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string? RsaFault(PublicKeyParts.Rsa rsa, CertificateProfile profile)
    {
        var bits = (rsa.Modulus.Length * 8) - BitOperations.LeadingZeroCount((uint)rsa.Modulus[0] << 24);
        if (bits < profile.RsaBitsMin || bits > profile.RsaBitsMax)
        {
            return $"an RSA key has {profile.RsaBitsMin} to {profile.RsaBitsMax} bits, this one {bits}";
        }

        if (ReadExponent(rsa.Exponent) is var exponent && (exponent < ExponentMin || exponent > ExponentMax || exponent % 2 == 0))
        {
            return $"the RSA exponent is not an odd number from {ExponentMin} to {ExponentMax}";
        }

        return WeakModulus.Fault(rsa.Modulus) is { } weakness ? $"the RSA key is weak: {weakness}" : null;
    }

    private static ulong ReadExponent(byte[] bigEndian)
    {
        if (bigEndian.Length > sizeof(ulong))
        {
            return ulong.MaxValue;
        }

        Span<byte> padded = stackalloc byte[sizeof(ulong)];
        padded.Clear();
        bigEndian.CopyTo(padded[(sizeof(ulong) - bigEndian.Length)..]);
        return BinaryPrimitives.ReadUInt64BigEndian(padded);
    }
}

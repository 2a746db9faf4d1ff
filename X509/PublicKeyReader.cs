using System.Formats.Asn1;
using System.Security.Cryptography;

namespace ControlPlane.X509;

/// <summary>A public key that was read from a SubjectPublicKeyInfo, before anything is computed with it.</summary>
public abstract record PublicKeyParts
{
    public sealed record Rsa(byte[] Modulus, byte[] Exponent) : PublicKeyParts;

    public sealed record Elliptic(string Curve, byte[] X, byte[] Y) : PublicKeyParts;

    /// <summary>A key that we do not issue for: of another kind or curve.</summary>
    public sealed record Unknown(string Algorithm) : PublicKeyParts;
}

/// <summary>Reads SubjectPublicKeyInfo strictly, so that what a CA writes back is equal byte for byte.</summary>
public static class PublicKeyReader
{
    private const byte UncompressedPoint = 4;

    /// <exception cref="AsnContentException">It is malformed.</exception>
    public static PublicKeyParts Read(ReadOnlyMemory<byte> publicKeyInfo)
    {
        var outer = new AsnReader(publicKeyInfo, AsnEncodingRules.DER);
        var content = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var algorithm = content.ReadSequence();
        var oid = algorithm.ReadObjectIdentifier();
        var bits = content.ReadBitString(out var unusedBits);
        content.ThrowIfNotEmpty();
        if (unusedBits != 0)
        {
            throw new AsnContentException("the key does not end at a byte");
        }

        return oid switch
        {
            Oids.RsaEncryption => ReadRsa(algorithm, bits),
            Oids.EcPublicKey => ReadElliptic(algorithm, bits),
            _ => new PublicKeyParts.Unknown(oid),
        };
    }

    private static PublicKeyParts.Rsa ReadRsa(AsnReader algorithm, byte[] bits)
    {
        algorithm.ReadNull();
        algorithm.ThrowIfNotEmpty();
        var outer = new AsnReader(bits, AsnEncodingRules.DER);
        var key = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var modulus = Unsigned(key.ReadIntegerBytes());
        var exponent = Unsigned(key.ReadIntegerBytes());
        key.ThrowIfNotEmpty();
        return new PublicKeyParts.Rsa(modulus, exponent);
    }

    private static PublicKeyParts ReadElliptic(AsnReader algorithm, byte[] bits)
    {
        if (!algorithm.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier))
        {
            // Explicit parameters: a curve of the sender's own (CVE-2020-0601).
            return new PublicKeyParts.Unknown("an elliptic curve with explicit parameters");
        }

        var curve = algorithm.ReadObjectIdentifier();
        algorithm.ThrowIfNotEmpty();
        var size = curve switch { Oids.CurveP256 => 32, Oids.CurveP384 => 48, _ => 0 };
        if (size == 0)
        {
            return new PublicKeyParts.Unknown(curve);
        }

        if (bits.Length != 1 + (2 * size) || bits[0] != UncompressedPoint)
        {
            throw new AsnContentException("the key is not an uncompressed point of its curve");
        }

        return new PublicKeyParts.Elliptic(curve, bits[1..(1 + size)], bits[(1 + size)..]);
    }

    private static byte[] Unsigned(ReadOnlyMemory<byte> integer)
    {
        var bytes = integer.Span;
        if (bytes[0] >= 0x80)
        {
            throw new AsnContentException("the key holds a negative number");
        }

        return bytes[0] == 0 && bytes.Length > 1 ? bytes[1..].ToArray() : bytes.ToArray();
    }
}

using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Requests for RSA keys that no library makes. Their signatures are wrong: the key is judged first.</summary>
internal static class ForgedRsa
{
    /// <summary>An odd number of exactly so many bits without small factors.</summary>
    public static BigInteger Modulus(int bits) => NextPrimeLike((BigInteger.One << (bits - 1)) + (BigInteger.One << (bits - 3)));

    /// <summary>A product of two numbers that are close to each other.</summary>
    public static BigInteger ClosePrimes()
    {
        var low = NextPrimeLike((BigInteger.One << 1023) + (BigInteger.One << 1022) + 12_345);
        return low * NextPrimeLike(low + 2);
    }

    /// <summary>A product of numbers of the form k·M + 65537^a mod M, as the library of CVE-2017-15361 made them.</summary>
    public static BigInteger Roca()
    {
        var primorial = BigInteger.One;
        for (var prime = 3; prime <= 167; prime += 2)
        {
            if (Enumerable.Range(2, prime - 2).TakeWhile(d => d * d <= prime).All(d => prime % d != 0))
            {
                primorial *= prime;
            }
        }

        return Candidate(primorial, 17) * Candidate(primorial, 29);

        static BigInteger Candidate(BigInteger primorial, int power)
        {
            var residue = BigInteger.ModPow(65_537, power, primorial);
            var number =
                (((BigInteger.One << 1023) + (BigInteger.One << 1022) + (BigInteger.One << (1000 - power)))
                    / primorial * primorial) + residue;
            number += number.IsEven ? primorial : BigInteger.Zero;
            while (HasSmallFactor(number))
            {
                number += 2 * primorial;
            }

            return number;
        }
    }

    /// <summary>A PEM request for the key.</summary>
    public static string Request(string identity, BigInteger modulus, long exponent, string algorithm = Oids.Sha256Rsa)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
                WriteName(writer, identity);
                WriteKey(writer, modulus, exponent);
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(algorithm);
                writer.WriteNull();
            }

            writer.WriteBitString(new byte[256]);
        }

        return PemEncoding.WriteString("CERTIFICATE REQUEST", writer.Encode());
    }

    private static void WriteName(AsnWriter writer, string identity)
    {
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.CommonName);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, identity);
        }
    }

    private static void WriteKey(AsnWriter writer, BigInteger modulus, long exponent)
    {
        var key = new AsnWriter(AsnEncodingRules.DER);
        using (key.PushSequence())
        {
            key.WriteInteger(modulus);
            key.WriteInteger(exponent);
        }

        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.RsaEncryption);
                writer.WriteNull();
            }

            writer.WriteBitString(key.Encode());
        }
    }

    private static BigInteger NextPrimeLike(BigInteger from)
    {
        var number = from.IsEven ? from + 1 : from;
        while (HasSmallFactor(number))
        {
            number += 2;
        }

        return number;
    }

    private static bool HasSmallFactor(BigInteger number) => Enumerable.Range(2, 751).Any(divisor => number % divisor == 0);
}

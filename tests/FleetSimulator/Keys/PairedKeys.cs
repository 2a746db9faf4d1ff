using System.Numerics;
using System.Security.Cryptography;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>
/// Makes many distinct RSA keys of a few: each takes one prime of one and one prime of another, so that no prime has to be found. Whoever
/// holds two such keys can compute a third: they are fit for nothing but a simulated fleet.
/// </summary>
internal static class PairedKeys
{
    /// <summary>How many keys must be generated for so many pairs.</summary>
    public static int SourcesFor(int pairs)
    {
        var sources = 2;
        while (sources * (sources - 1) < pairs)
        {
            sources++;
        }

        return sources;
    }

    public static NodeKey[] Make(IReadOnlyList<NodeKey> sources, int count)
    {
        var primes = sources.Select(source => source.With(rsa => rsa.ExportParameters(includePrivateParameters: true))).ToArray();
        var made = new NodeKey[count];

        // The step between the two sources grows by one after each round, so that no pair comes twice.
        Parallel.For(0, count, index =>
        {
            var (step, first) = Math.DivRem(index, sources.Count);
            made[index] = Pair(primes[first], primes[(first + step + 1) % sources.Count]);
        });
        return made;
    }

    private static NodeKey Pair(in RSAParameters one, in RSAParameters other)
    {
        var (p, q, e) = (Read(one.P!), Read(other.Q!), Read(one.Exponent!));
        var d = Inverse(e, (p - 1) * (q - 1));
        var half = one.P!.Length;
        return NodeKey.Open(new RSAParameters
        {
            Modulus = Write(p * q, half * 2),
            Exponent = one.Exponent,
            P = one.P,
            Q = other.Q,
            D = Write(d, half * 2),
            DP = Write(d % (p - 1), half),
            DQ = Write(d % (q - 1), half),
            InverseQ = Write(Inverse(q, p), half),
        });
    }

    private static BigInteger Inverse(BigInteger value, BigInteger modulus)
    {
        var (rest, next) = (modulus, BigInteger.Remainder(value, modulus));
        var (before, inverse) = (BigInteger.Zero, BigInteger.One);
        while (!next.IsOne)
        {
            var quotient = BigInteger.DivRem(rest, next, out var remainder);
            (rest, next) = (next, remainder);
            (before, inverse) = (inverse, before - (quotient * inverse));
        }

        return inverse.Sign < 0 ? inverse + modulus : inverse;
    }

    private static BigInteger Read(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Write(BigInteger value, int length)
    {
        var bytes = new byte[length];
        value.TryWriteBytes(bytes.AsSpan(length - value.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
        return bytes;
    }
}

using System.Numerics;

namespace ControlPlane.Certificates;

/// <summary>Finds RSA moduli that are known to be breakable in practice. Pure, and well under a millisecond at 2048 bits.</summary>
internal static class WeakModulus
{
    // As many as Boulder tries: primes that differ only in their lower half are found in the first few.
    private const int FermatRounds = 110;

    private static readonly uint[] SmallPrimes = PrimesBelow(752);

    // Infineon's library (CVE-2017-15361) made primes of the form k·M + 65537^a mod M: modulo each small prime of M, the modulus
    // lies in the subgroup that 65537 generates. A good modulus does so for all of them with a chance of one in 2^27 or less.
    private static readonly (uint Prime, bool[] Subgroup)[] RocaSubgroups =
        [.. SmallPrimes.Where(prime => prime is > 2 and <= 167).Select(prime => (prime, SubgroupOf65537(prime)))];

    /// <summary>Why the modulus is weak, or null.</summary>
    public static string? Fault(ReadOnlySpan<byte> bigEndianModulus)
    {
        var modulus = new BigInteger(bigEndianModulus, isUnsigned: true, isBigEndian: true);
        if (Array.Exists(SmallPrimes, prime => modulus % prime == 0))
        {
            return "its modulus has a small factor";
        }

        if (RocaSubgroups.All(fingerprint => fingerprint.Subgroup[(int)(modulus % fingerprint.Prime)]))
        {
            return "its modulus has the fingerprint of CVE-2017-15361 (ROCA)";
        }

        return HasClosePrimes(modulus) ? "its primes are so close that Fermat's method finds them" : null;
    }

    private static bool HasClosePrimes(BigInteger modulus)
    {
        var root = SquareRoot(modulus);
        if (root * root == modulus)
        {
            return true;
        }

        var middle = root + 1;
        var rest = (middle * middle) - modulus;
        for (var round = 0; round < FermatRounds; round++)
        {
            if (IsSquare(rest))
            {
                return true;
            }

            rest += (2 * middle) + 1;
            middle += 1;
        }

        return false;
    }

    private static bool IsSquare(BigInteger number)
    {
        // Squares end in 0, 1, 4 or 9 modulo 16, and are squares modulo 315 = 9·5·7: what is left for the root is one in twenty.
        if ((int)(number & 15) is not (0 or 1 or 4 or 9))
        {
            return false;
        }

        var residue = (int)(number % 315);
        if ((residue % 9) is not (0 or 1 or 4 or 7) || (residue % 5) is not (0 or 1 or 4) || (residue % 7) is not (0 or 1 or 2 or 4))
        {
            return false;
        }

        var root = SquareRoot(number);
        return root * root == number;
    }

    /// <summary>The largest integer whose square is not larger (Newton's method from above).</summary>
    private static BigInteger SquareRoot(BigInteger number)
    {
        if (number.IsZero)
        {
            return BigInteger.Zero;
        }

        var guess = BigInteger.One << (int)((number.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (guess + (number / guess)) >> 1;
            if (next >= guess)
            {
                return guess;
            }

            guess = next;
        }
    }

    private static bool[] SubgroupOf65537(uint prime)
    {
        var members = new bool[prime];
        var element = 1u;
        while (!members[element])
        {
            members[element] = true;
            element = (uint)((ulong)element * (65537 % prime) % prime);
        }

        return members;
    }

    private static uint[] PrimesBelow(uint limit) =>
        [.. Enumerable.Range(2, (int)limit - 2)
            .Where(number => Enumerable.Range(2, number - 2).TakeWhile(d => d * d <= number).All(d => number % d != 0))
            .Select(number => (uint)number)];
}

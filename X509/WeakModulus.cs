using System.Buffers.Binary;
using System.Numerics;

namespace ControlPlane.X509;

/// <summary>Finds RSA moduli that are known to be breakable in practice. Pure, and some 30 µs at 2048 bits.</summary>
public static class WeakModulus
{
    // As many as Boulder tries: primes that differ only in their lower half are found in the first few.
    private const int FermatRounds = 110;

    private static readonly uint[] SmallPrimes = PrimesBelow(752);

    // Dividing a long number is what costs: once for each product of primes that fits in 32 bits, not once for each prime.
    private static readonly (uint Product, uint[] Primes)[] Groups = GroupsOf(SmallPrimes);

    // Infineon's library (CVE-2017-15361) made primes of the form k·M + 65537^a mod M: modulo each small prime of M, the modulus
    // lies in the subgroup that 65537 generates. A good modulus does so for all of them with a chance of one in 2^27 or less.
    private const uint RocaPrimeMax = 167;
    private static readonly bool[]?[] RocaSubgroups = [.. Enumerable.Range(0, (int)RocaPrimeMax + 1)
        .Select(number => number > 2 && SmallPrimes.Contains((uint)number) ? SubgroupOf65537((uint)number) : null)];

    /// <summary>Why the modulus is weak, or null.</summary>
    public static string? Fault(ReadOnlySpan<byte> bigEndianModulus)
    {
        if (SmallFactorFault(bigEndianModulus) is { } fault)
        {
            return fault;
        }

        var modulus = new BigInteger(bigEndianModulus, isUnsigned: true, isBigEndian: true);
        return HasClosePrimes(modulus) ? "its primes are so close that Fermat's method finds them" : null;
    }

    private static string? SmallFactorFault(ReadOnlySpan<byte> bigEndianModulus)
    {
        var words = WordsOf(bigEndianModulus);
        var roca = true;
        foreach (var (product, primes) in Groups)
        {
            var remainder = Remainder(words, product);
            foreach (var prime in primes)
            {
                var residue = remainder % prime;
                if (residue == 0)
                {
                    return "its modulus has a small factor";
                }

                roca = roca && (prime > RocaPrimeMax || RocaSubgroups[prime] is not { } subgroup || subgroup[residue]);
            }
        }

        return roca ? "its modulus has the fingerprint of CVE-2017-15361 (ROCA)" : null;
    }

    private static bool HasClosePrimes(BigInteger modulus)
    {
        var root = SquareRoot(modulus);
        if (root * root == modulus)
        {
            return true;
        }

        var middle = root + 1;
        var sieve = new SquareSieve(modulus, middle);
        for (var round = 0; round < FermatRounds; round++)
        {
            if (sieve.MayBeSquare((uint)round) && IsSquare(BigInteger.Pow(middle + round, 2) - modulus))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSquare(BigInteger number)
    {
        var root = SquareRoot(number);
        return root * root == number;
    }

    /// <summary>The largest integer whose square is not larger (Newton's method from above).</summary>
    private static BigInteger SquareRoot(BigInteger number)
    {
        // Begun with what a floating-point root knows of the leading bits, each step doubles the bits that are right.
        const int leadingBits = 104;
        var dropped = Math.Max(0, (int)(number.GetBitLength() - leadingBits + 1) / 2 * 2);
        var guess = new BigInteger(Math.Ceiling(Math.Sqrt((double)(number >> dropped))) + 2) << (dropped / 2);
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

    private static uint[] WordsOf(ReadOnlySpan<byte> bigEndian)
    {
        var words = new uint[(bigEndian.Length + sizeof(uint) - 1) / sizeof(uint)];
        Span<byte> first = stackalloc byte[sizeof(uint)];
        first.Clear();
        var inFirst = bigEndian.Length - ((words.Length - 1) * sizeof(uint));
        bigEndian[..inFirst].CopyTo(first[(sizeof(uint) - inFirst)..]);
        words[0] = BinaryPrimitives.ReadUInt32BigEndian(first);
        for (var index = 1; index < words.Length; index++)
        {
            words[index] = BinaryPrimitives.ReadUInt32BigEndian(bigEndian[(inFirst + ((index - 1) * sizeof(uint)))..]);
        }

        return words;
    }

    private static uint Remainder(uint[] words, uint divisor)
    {
        var remainder = 0ul;
        foreach (var word in words)
        {
            remainder = ((remainder << 32) | word) % divisor;
        }

        return (uint)remainder;
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

    private static (uint Product, uint[] Primes)[] GroupsOf(uint[] primes)
    {
        var groups = new List<(uint Product, uint[] Primes)>();
        for (var begin = 0; begin < primes.Length;)
        {
            var end = begin;
            var product = 1ul;
            while (end < primes.Length && product * primes[end] <= uint.MaxValue)
            {
                product *= primes[end++];
            }

            groups.Add(((uint)product, primes[begin..end]));
            begin = end;
        }

        return [.. groups];
    }

    private static uint[] PrimesBelow(uint limit) =>
        [.. Enumerable.Range(2, (int)limit - 2)
            .Where(number => Enumerable.Range(2, number - 2).TakeWhile(d => d * d <= number).All(d => number % d != 0))
            .Select(number => (uint)number)];
}

using System.Numerics;

namespace ControlPlane.X509;

/// <summary>Finds RSA moduli that have a prime in common: who holds two of them can factor both. Pure.</summary>
/// <remarks>
/// Machines that are cloned, or start with too little randomness, draw the same first prime. No key shows it by itself, so that they are
/// compared: by Bernstein's trees of products and remainders, in the time of some long multiplications instead of a division for each pair.
/// </remarks>
public static class SharedPrimes
{
    /// <summary>How many are compared at once: some three seconds of work. The time grows faster than their number.</summary>
    public const int ModuliMax = 1024;

    /// <summary>Which of the moduli share a prime with another one; equal moduli are not meant.</summary>
    public static IReadOnlySet<BigInteger> Find(IEnumerable<BigInteger> moduli)
    {
        var distinct = moduli.Distinct().Take(ModuliMax).ToArray();
        if (distinct.Length < 2)
        {
            return new HashSet<BigInteger>();
        }

        var products = ProductsOf(distinct);

        // Modulo its own square, the product of all is the modulus times the product of the others.
        var remainders = products[^1];
        for (var level = products.Count - 2; level >= 0; level--)
        {
            remainders = [.. products[level].Select((product, index) => remainders[index / 2] % (product * product))];
        }

        return distinct
            .Where((modulus, index) => !BigInteger.GreatestCommonDivisor(modulus, remainders[index] / modulus).IsOne)
            .ToHashSet();
    }

    private static List<BigInteger[]> ProductsOf(BigInteger[] leaves)
    {
        var levels = new List<BigInteger[]> { leaves };
        while (levels[^1].Length > 1)
        {
            levels.Add([.. levels[^1].Chunk(2).Select(pair => pair.Length == 2 ? pair[0] * pair[1] : pair[0])]);
        }

        return levels;
    }
}

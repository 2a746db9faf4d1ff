using System.Numerics;

namespace ControlPlane.X509;

/// <summary>
/// Tells of most numbers of Fermat's method, (middle + n)² - modulus, that they are no squares, without computing them. Pure.
/// </summary>
/// <remarks>
/// A square is one modulo every number. By these moduli one number in 100,000 passes that is none, and a long root is taken for it.
/// </remarks>
internal readonly struct SquareSieve
{
    // The product of each row is less than 2^32, so that squares of residues fit in 64 bits.
    private static readonly uint[][] Rows = [[16, 9, 5, 7, 11, 13, 17, 19], [23, 29, 31, 37, 41, 43]];
    private static readonly uint[] Products = [.. Rows.Select(row => row.Aggregate((product, factor) => product * factor))];

    // Bit r of a factor's mask: r is a square modulo the factor.
    private static readonly ulong[][] Masks = [.. Rows.Select(row => row.Select(MaskOf).ToArray())];

    private readonly ulong[] middles;
    private readonly ulong[] negatedModuli;

    public SquareSieve(BigInteger modulus, BigInteger middle)
    {
        middles = [.. Products.Select(product => (ulong)(middle % product))];
        negatedModuli = [.. Products.Select(product => product - (ulong)(modulus % product))];
    }

    /// <summary>False when (middle + n)² - modulus is certainly no square.</summary>
    public bool MayBeSquare(uint n)
    {
        for (var row = 0; row < Products.Length; row++)
        {
            var sum = (middles[row] + n) % Products[row];
            var residue = ((sum * sum) + negatedModuli[row]) % Products[row];
            for (var index = 0; index < Rows[row].Length; index++)
            {
                if ((Masks[row][index] >> (int)(residue % Rows[row][index]) & 1) == 0)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static ulong MaskOf(uint factor) =>
        Enumerable.Range(0, (int)factor).Aggregate(0ul, (mask, root) => mask | (1ul << (int)((uint)(root * root) % factor)));
}

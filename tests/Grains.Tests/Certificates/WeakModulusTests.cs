using System.Numerics;
using ControlPlane.X509;
using CsCheck;

namespace ControlPlane.Certificates;

public sealed class WeakModulusTests
{
    private static readonly Gen<BigInteger> Wide = Gen.Byte.Array[128].Select(
        bytes => new BigInteger(bytes, isUnsigned: true) | (BigInteger.One << 1023) | 1);

    [Fact]
    public void MayBeSquare_IsTrue_OfEverySquare() => Wide.Sample(root =>
    {
        // With middle² - modulus = root², the number of round 0 is a square.
        var middle = root + 12_345;
        Assert.True(new SquareSieve((middle * middle) - (root * root), middle).MayBeSquare(0));
    });

    [Fact]
    public void MayBeSquare_IsSeldomTrue_OfWhatIsNone()
    {
        var passed = 0;
        Wide.Select(Wide).Sample((modulus, middle) =>
        {
            var sieve = new SquareSieve(modulus, middle);
            passed += Enumerable.Range(0, 100).Count(round => sieve.MayBeSquare((uint)round));
        }, iter: 100, threads: 1);

        Assert.InRange(passed, 0, 10);
    }

    [Fact]
    public void Fault_FindsEverySmallFactor()
    {
        var rest = ForgedRsa.Modulus(2030);
        int[] primes = [.. Enumerable.Range(2, 749).Where(number => Enumerable.Range(2, number - 2).All(divisor => number % divisor != 0))];

        Assert.Equal(132, primes.Length);
        Assert.All(primes, prime => Assert.Contains("small factor", Fault(rest * prime), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(10, true)]
    [InlineData(100, true)]
    [InlineData(1000, false)]
    public void Fault_FindsPrimes_ThatFermatsMethodMeetsInTime(int round, bool found)
    {
        // The root of (middle + d)(middle - d) = middle² - d² is less than the middle by d²/2·middle, which is the number of rounds.
        var difference = BigInteger.One << 516;
        var middle = (BigInteger.One << 1031) / round;
        while (HasSmallFactor(middle + difference) || HasSmallFactor(middle - difference))
        {
            middle++;
        }

        var fault = Fault((middle + difference) * (middle - difference));
        Assert.Equal(found, fault?.Contains("Fermat", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Fault_IsNull_OfKeysAsTheyShouldBe()
    {
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        Assert.Null(WeakModulus.Fault(rsa.ExportParameters(includePrivateParameters: false).Modulus));
    }

    private static bool HasSmallFactor(BigInteger number) => Enumerable.Range(2, 750).Any(divisor => number % divisor == 0);

    private static string? Fault(BigInteger modulus) => WeakModulus.Fault(modulus.ToByteArray(isUnsigned: true, isBigEndian: true));
}

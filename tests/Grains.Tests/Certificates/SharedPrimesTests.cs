using System.Numerics;
using System.Security.Cryptography;
using ControlPlane.X509;
using CsCheck;

namespace ControlPlane.Certificates;

public sealed class SharedPrimesTests
{
    private static readonly int[] Primes =
        [.. Enumerable.Range(1000, 900).Where(n => Enumerable.Range(2, 42).All(divisor => n % divisor != 0))];

    private static readonly Gen<int> Prime = Gen.Int[0, Primes.Length - 1].Select(index => Primes[index]);

    [Fact]
    public void Find_FindsWhatComparingEachPairFinds() => Prime.Select(Prime).List[0, 40].Sample(pairs =>
    {
        var moduli = pairs.Select(pair => (BigInteger)pair.Item1 * pair.Item2).Distinct().ToList();
        var expected = moduli
            .Where(one => moduli.Exists(other => other != one && !BigInteger.GreatestCommonDivisor(one, other).IsOne))
            .ToHashSet();

        Assert.True(expected.SetEquals(SharedPrimes.Find(moduli)));
    });

    [Fact]
    public void Find_FindsTwoKeysAmongSound_AsTheyAreInPractice()
    {
        var sound = Enumerable.Range(0, 12).Select(_ => Key()).ToList();
        BigInteger[] weak = [sound[3].P * sound[4].Q, sound[4].Q * Key().P];

        var found = SharedPrimes.Find([.. sound.Where((_, index) => index != 4).Select(key => key.P * key.Q), .. weak]);

        Assert.True(found.SetEquals([sound[3].P * sound[3].Q, .. weak]));
    }

    [Fact]
    public void Find_FindsNothing_InAKeyThatIsThereTwice()
    {
        var (p, q) = Key();
        Assert.Empty(SharedPrimes.Find([p * q, p * q]));
    }

    [Fact]
    public async Task FindAsync_FindsTheOrdersOfKeysThatShareAPrime()
    {
        var cancel = TestContext.Current.CancellationToken;
        var issuer = new ScriptedIssuer("scripted");
        var ledger = new InMemoryCertificateLedger();
        var (one, other, sound) = (Key(), Key(), Key());
        BigInteger[] moduli = [one.P * one.Q, sound.P * sound.Q, one.P * other.Q];
        for (var node = 0; node < moduli.Length; node++)
        {
            await RecordAsync($"web{node}.example.net", moduli[node]);
        }

        var found = await new WeakPairSearch(ledger).FindAsync("scripted", new LedgerPosition(DateTimeOffset.UnixEpoch, ""), cancel);

        Assert.Equal(["web0.example.net", "web2.example.net"], found.Select(entry => entry.Identity).Order(StringComparer.Ordinal));

        async Task RecordAsync(string identity, BigInteger modulus)
        {
            using var key = RSA.Create(
                new RSAParameters { Modulus = modulus.ToByteArray(isUnsigned: true, isBigEndian: true), Exponent = [1, 0, 1] });
            var now = TimeProvider.System.GetUtcNow();
            var order = CertificateOrders.For(identity, SigningRequests.Elliptic(identity), new CertificateProfile(), now);
            var signed = await issuer.IssueAsync(order with { PublicKeyInfoDer = key.ExportSubjectPublicKeyInfo() }, cancel);
            var certificate = new IssuedCertificate(
                order.OrderId, "scripted", identity, PemEncoding.WriteString("CERTIFICATE", signed.CertificateDer), "", now, now, "");
            await ledger.TryWriteAsync(
                new LedgerEntry(
                    "scripted", order.OrderId, identity, LedgerState.Issued, "", now, certificate, null, null, Version: 0), cancel);
        }
    }

    private static (BigInteger P, BigInteger Q) Key()
    {
        using var rsa = RSA.Create(1024);
        var parameters = rsa.ExportParameters(includePrivateParameters: true);
        return (Number(parameters.P!), Number(parameters.Q!));

        static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
    }
}

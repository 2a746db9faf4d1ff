using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

/// <summary>
/// One of each kind of request that no honest node sends, taken through orders: refused by its rule, in time, and no CA is called.
/// </summary>
public sealed class HostileRequestsTests : IDisposable
{
    private const string Identity = "web1.example.net";
    private const int RunsMax = 10;
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(20);

    private readonly ScriptedIssuer issuer = new("ca");
    private readonly InMemoryCertificateLedger ledger = new();
    private readonly InMemoryKeyRegister keys = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly RSA debian = RSA.Create(2048);
    private readonly RSA leakedRsa = RSA.Create(2048);
    private readonly ECDsa leakedPoint = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly string debianList = Path.GetTempFileName();
    private readonly string badKeysList = Path.GetTempFileName() + ".dat";
    private readonly string revokedRequest = SigningRequests.Elliptic(Identity);
    private readonly string anothersRequest;

    public HostileRequestsTests()
    {
        using var anothers = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        anothersRequest = SigningRequests.Make(Identity, anothers);
        keys.ClaimAsync(FingerprintOf(anothers), "web2.example.net", CancellationToken.None).Wait();
        File.WriteAllText(debianList, $"# as Debian writes it\n{RejectedKeys.DebianDigest(debian.ExportParameters(false).Modulus)}\n");
        File.WriteAllBytes(
            badKeysList, BadKeys([leakedRsa.ExportParameters(false).Modulus!, leakedPoint.ExportParameters(false).Q.X!, [1], [2], [3]]));
    }

    public void Dispose()
    {
        debian.Dispose();
        leakedRsa.Dispose();
        leakedPoint.Dispose();
        File.Delete(debianList);
        File.Delete(badKeysList);
    }

    [Fact]
    public async Task IssueAsync_RefusesEachByItsRule_InTime_WithoutACallToTheCa()
    {
        var silo = new IssuanceSilo(ledger, keys, time, options => options.RejectedKeysFiles = [debianList, badKeysList], issuer);
        await SpoilAsync(silo);
        var calls = issuer.Calls;
        var number = 10;
        foreach (var (name, refusal, rule, identity, pem) in Corpus())
        {
            // The fastest of some: what else runs on the machine is no matter of ours, and a check that is slow is slow each time.
            var fastest = TimeSpan.MaxValue;
            for (var run = 0; run < RunsMax && fastest >= Limit; run++)
            {
                var order = new CertificateOrderRequest(
                    $"{Identity}/{number++}", identity, "east", "node", pem, IssuancePriority.NewNode, time.GetUtcNow().AddMinutes(1));
                var began = Stopwatch.GetTimestamp();
                var outcome = await silo.IssueAsync(order);
                fastest = TimeSpan.FromTicks(Math.Min(fastest.Ticks, Stopwatch.GetElapsedTime(began).Ticks));
                var refused = Assert.IsType<IssuanceOutcome.Refused>(outcome);
                Assert.True(refused.Refusal == refusal, $"{name} was refused as {refused.Refusal}: {refused.Detail}");
                Assert.Contains(rule, refused.Detail, StringComparison.Ordinal);
            }

            Assert.True(fastest < Limit, $"{name} took {fastest.TotalMilliseconds:F1} ms");
        }

        Assert.Equal(calls, issuer.Calls);
        Assert.All(ledger.Entries.Where(entry => entry.State == LedgerState.Refused), entry => Assert.NotEmpty(entry.Detail!));
    }

    private IEnumerable<(string Name, Refusal Refusal, string Rule, string Identity, string Pem)> Corpus()
    {
        var good = SigningRequests.Choria(Identity);
        var der = Convert.FromBase64String(good[PemEncoding.Find(good).Base64Data]);
        yield return ("short RSA", Refusal.KeyUnacceptable, "this one 1024", Identity, Forged(ForgedRsa.Modulus(1024)));
        yield return ("odd RSA", Refusal.KeyUnacceptable, "this one 2047", Identity, Forged(ForgedRsa.Modulus(2047)));
        yield return ("huge RSA", Refusal.KeyUnacceptable, "this one 16384", Identity, Forged(ForgedRsa.Modulus(16384)));
        yield return ("RSA of 8192 bits, unsigned", Refusal.RequestMalformed, "not signed", Identity, Forged(ForgedRsa.Modulus(8192)));
        yield return ("exponent 1", Refusal.KeyUnacceptable, "exponent", Identity, Forged(ForgedRsa.Modulus(2048), exponent: 1));
        yield return ("exponent 3", Refusal.KeyUnacceptable, "exponent", Identity, Forged(ForgedRsa.Modulus(2048), exponent: 3));
        yield return ("even exponent", Refusal.KeyUnacceptable, "exponent", Identity, Forged(ForgedRsa.Modulus(2048), exponent: 65_538));
        yield return ("ROCA", Refusal.KeyUnacceptable, "CVE-2017-15361", Identity, Forged(ForgedRsa.Roca()));
        yield return ("close primes", Refusal.KeyUnacceptable, "Fermat", Identity, Forged(ForgedRsa.ClosePrimes()));
        yield return ("small factor", Refusal.KeyUnacceptable, "small factor", Identity, Forged(ForgedRsa.Modulus(2047) * 3));
        yield return ("Debian", Refusal.KeyUnacceptable, "list of rejected keys", Identity, SigningRequests.Make(Identity, debian));
        yield return ("a leaked RSA key", Refusal.KeyUnacceptable, "rejected keys", Identity, SigningRequests.Make(Identity, leakedRsa));
        yield return ("a leaked point", Refusal.KeyUnacceptable, "rejected keys", Identity, SigningRequests.Make(Identity, leakedPoint));
        yield return ("P-521", Refusal.KeyUnacceptable, "keys of kind", Identity, Curve(ECCurve.NamedCurves.nistP521));
        yield return ("secp256k1", Refusal.KeyUnacceptable, "keys of kind", Identity, Curve(ECCurve.CreateFromValue("1.3.132.0.10")));
        yield return ("SHA-1", Refusal.KeyUnacceptable, "1.2.840.113549.1.1.5", Identity, Signed("1.2.840.113549.1.1.5"));
        yield return ("MD5", Refusal.KeyUnacceptable, "1.2.840.113549.1.1.4", Identity, Signed("1.2.840.113549.1.1.4"));
        yield return ("another node's key", Refusal.KeyReused, "another node", Identity, anothersRequest);
        yield return ("revoked key", Refusal.KeyReused, "revoked", Identity, revokedRequest);
        yield return ("two blocks", Refusal.RequestMalformed, "besides the one PEM block", Identity, good + good);
        yield return ("text around", Refusal.RequestMalformed, "besides the one PEM block", Identity, $"hello\n{good}");
        yield return ("trailing data", Refusal.RequestMalformed, "PKCS#10", Identity, Pem([.. der, 0]));
        yield return ("cut short", Refusal.RequestMalformed, "PKCS#10", Identity, Pem(der[..100]));
        yield return ("oversize", Refusal.RequestMalformed, "at most", Identity, new string('A', 1 << 20));
        yield return ("deep nesting", Refusal.RequestMalformed, "PKCS#10", Identity, Pem([.. Enumerable.Repeat((byte)0x30, 30_000)]));
        yield return ("no PEM", Refusal.RequestMalformed, "no PEM block", Identity, "not a request");
        yield return ("two thousand names", Refusal.NamesUnexpected, "asks for the name", Identity, ManyNames());
        foreach (var one in AskingForMore().Concat(InOthersNames(good)))
        {
            yield return one;
        }
    }

    private static IEnumerable<(string Name, Refusal Refusal, string Rule, string Identity, string Pem)> AskingForMore()
    {
        yield return (
            "an organisation of its own", Refusal.NamesUnexpected, "subject attribute 2.5.4.10 'Admins'", Identity, Subject("O=Admins"));
        yield return (
            "a number for Vault to copy",
            Refusal.NamesUnexpected,
            "subject attribute 2.5.4.5 '4711'",
            Identity,
            Subject("OID.2.5.4.5=4711"));
        yield return (
            "must-staple", Refusal.ExtensionUnacceptable, "extension 1.3.6.1.5.5.7.1.24", Identity, Asking("1.3.6.1.5.5.7.1.24", false));
        yield return (
            "CT poison",
            Refusal.ExtensionUnacceptable,
            "extension 1.3.6.1.4.1.11129.2.4.3",
            Identity,
            Asking("1.3.6.1.4.1.11129.2.4.3", critical: true));
    }

    private static IEnumerable<(string Name, Refusal Refusal, string Rule, string Identity, string Pem)> InOthersNames(string good)
    {
        yield return (
            "another's name", Refusal.IdentityMismatch, "names 'web2.example.net'", Identity, SigningRequests.Choria("web2.example.net"));
        yield return ("NUL in the request", Refusal.IdentityMismatch, "names", Identity, SigningRequests.Choria($"{Identity}\0"));
        yield return (
            "look-alike in the request",
            Refusal.IdentityMismatch,
            "names 'w?b1.example.net'",
            Identity,
            SigningRequests.Choria("wеb1.example.net"));
        yield return ("dot at the end of the request", Refusal.IdentityMismatch, "names", Identity, SigningRequests.Choria($"{Identity}."));
        foreach (var (identity, rule) in Identities())
        {
            yield return ($"identity '{identity}'", Refusal.IdentityMalformed, rule, identity, good);
        }

        yield return (
            "a client's name", Refusal.IdentityReserved, "'.mcollective'", "bob.mcollective", SigningRequests.Choria("bob.mcollective"));
        yield return (
            "a privileged name",
            Refusal.IdentityReserved,
            "privileged",
            "sso.privileged.example.net",
            SigningRequests.Choria("sso.privileged.example.net"));
    }

    private static IEnumerable<(string Identity, string Rule)> Identities() =>
    [
        ("web1.example.net.", "label 4"),
        ("web1.example.net\0", "label 3"),
        ("wеb1.example.net", "label 1"),
        ("xn--wb1-qla.example.net", "internationalised"),
        ("*.example.net", "label 1"),
        ("10.0.0.1", "ends in a number"),
        ("WEB1.example.net", "label 1"),
        ($"{new string('a', 64)}.net", "1 to 64 characters"),
        (new string('a', 64), "label 1"),
        (string.Join('.', Enumerable.Repeat("abcdefghi", 26)), "1 to 64 characters"),
    ];

    /// <summary>Has the key of a request revoked.</summary>
    private async Task SpoilAsync(IssuanceSilo silo)
    {
        var order = new CertificateOrderRequest(
            $"{Identity}/1", Identity, "east", "node", revokedRequest, IssuancePriority.NewNode, time.GetUtcNow().AddMinutes(1));
        Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(order));
        await silo.CloseAsync(order.OrderId);
        await silo.SweepAsync();
    }

    /// <summary>A list as badkeys' documentation of its format describes it.</summary>
    private static byte[] BadKeys(byte[][] numbers) =>
    [
        .. numbers.Select(number => Convert.ToHexString(SHA256.HashData(number.AsSpan().TrimStart((byte)0)))[..30])
            .Order(StringComparer.Ordinal)
            .SelectMany(digest => Convert.FromHexString($"{digest}07")),
    ];

    private static string Forged(System.Numerics.BigInteger modulus, long exponent = 65_537) =>
        ForgedRsa.Request(Identity, modulus, exponent);

    private static string Signed(string algorithm) => ForgedRsa.Request(Identity, ForgedRsa.Modulus(2048), 65_537, algorithm);

    private static string Curve(ECCurve curve)
    {
        using var key = ECDsa.Create(curve);
        return SigningRequests.Make(Identity, key);
    }

    private static string Subject(string attribute)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return SigningRequests.Make(new X500DistinguishedName($"CN={Identity}, {attribute}"), key);
    }

    private static string Asking(string extension, bool critical)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return SigningRequests.Make(Identity, key, null, new X509Extension(extension, [0x05, 0x00], critical));
    }

    private static string ManyNames()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var number in Enumerable.Range(0, 2_000))
        {
            names.AddDnsName($"web{number}.example.net");
        }

        return SigningRequests.Make(Identity, key, null, names.Build());
    }

    private static string FingerprintOf(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    private static string Pem(byte[] der) => PemEncoding.WriteString("CERTIFICATE REQUEST", der);
}

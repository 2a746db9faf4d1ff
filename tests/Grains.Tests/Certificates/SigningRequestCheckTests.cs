using System.Diagnostics;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

public sealed class SigningRequestCheckTests
{
    private const string Identity = "web1.example.net";
    private const string Overlay = "eu-1";
    private const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    private const string AnyPurpose = "2.5.29.37.0";
    private const string PrecertificatePoison = "1.3.6.1.4.1.11129.2.4.3";
    private const string MustStaple = "1.3.6.1.5.5.7.1.24";
    private const string NameConstraints = "2.5.29.30";
    private static readonly CertificateProfile Profile = new();

    [Fact]
    public void Judge_Accepts_WhatChoriaServersSent()
    {
        var captured = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "fixtures"), "csr.pem", SearchOption.AllDirectories);

        Assert.NotEmpty(captured);
        Assert.All(
            captured,
            path => AssertAccepted(SigningRequestCheck.Judge(File.ReadAllText(path), "node1.example.net", Overlay, Profile)));
    }

    [Fact]
    public void Judge_ReadsTheKey_WhenTheRequestIsSound()
    {
        using var key = RSA.Create(2048);

        var request = AssertAccepted(Judge(SigningRequests.Make(Identity, key)));

        Assert.Equal(key.ExportSubjectPublicKeyInfo(), request.PublicKeyInfoDer.ToArray());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())), request.PublicKeyFingerprint);
        Assert.Equal(Identity, request.CommonName);
    }

    [Fact]
    public void Judge_Accepts_TheIdentityAsItsOnlyOtherName() =>
        AssertAccepted(Judge(Requesting(Names(names => names.AddDnsName(Identity)))));

    [Theory]
    [InlineData("nistP256", true)]
    [InlineData("nistP384", true)]
    [InlineData("nistP521", false)]
    [InlineData("secP256k1", false)]
    public void Judge_TakesEllipticKeys_OfTwoCurves(string curve, bool acceptable)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));

        var verdict = Judge(SigningRequests.Make(Identity, key));

        Assert.Equal(acceptable ? null : Refusal.KeyUnacceptable, RefusalOf(verdict));
    }

    [Fact]
    public void Judge_RefusesEllipticKeys_WhenTheProfileTakesRsaOnly() =>
        AssertRefused(
            Refusal.KeyUnacceptable,
            SigningRequestCheck.Judge(SigningRequests.Elliptic(Identity), Identity, Overlay, Profile with { EllipticKeys = false }));

    [Theory]
    [InlineData("web2.example.net")]
    [InlineData("WEB1.example.net")]
    [InlineData("web1.example.net.")]
    [InlineData("web1.example.net\0")]
    [InlineData("wеb1.example.net")]
    [InlineData("*.example.net")]
    public void Judge_Refuses_ARequestThatNamesAnotherNode(string commonName) =>
        AssertRefused(Refusal.IdentityMismatch, Judge(SigningRequests.Choria(commonName)));

    [Fact]
    public void Judge_Refuses_TwoCommonNames()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedName($"CN={Identity}, CN=web2.example.net");

        AssertRefused(Refusal.IdentityMismatch, Judge(SigningRequests.Make(subject, key)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("WEB1.example.net")]
    [InlineData("web1.example.net.")]
    [InlineData("web_1.example.net")]
    [InlineData("web1..example.net")]
    [InlineData("-web1.example.net")]
    [InlineData("web1-.example.net")]
    [InlineData("*.example.net")]
    [InlineData("10.0.0.1")]
    [InlineData("xn--wb1-qla.example.net")]
    [InlineData("wеb1.example.net")]
    [InlineData("web1.example.net\0.evil.example")]
    [InlineData("a23456789012345678901234567890123456789012345678901234567890123.x")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234.x")]
    public void Judge_Refuses_IdentitiesThatAreNoHostNames(string identity) =>
        AssertRefused(Refusal.IdentityMalformed, SigningRequestCheck.Judge(SigningRequests.Choria(Identity), identity, Overlay, Profile));

    [Theory]
    [InlineData("bob.mcollective")]
    [InlineData("bob.choria")]
    [InlineData("sso.privileged.mcollective")]
    [InlineData("sso.privileged.choria")]
    public void Judge_Refuses_IdentitiesKeptForClients(string identity) =>
        AssertRefused(Refusal.IdentityReserved, SigningRequestCheck.Judge(SigningRequests.Choria(identity), identity, Overlay, Profile));

    [Fact]
    public void Judge_Refuses_EveryNameButTheIdentity()
    {
        Assert.All(
            new[]
            {
                Names(names => names.AddDnsName("web2.example.net")),
                Names(names => { names.AddDnsName(Identity); names.AddDnsName(Identity); }),
                new X509Extension(Oids.SubjectAlternativeName, [0x30, 0x00], critical: false),
                Names(names => { names.AddDnsName(Identity); names.AddDnsName("bob.mcollective"); }),
                Names(names => names.AddDnsName("*.example.net")),
                Names(names => names.AddIpAddress(System.Net.IPAddress.Loopback)),
                Names(names => names.AddUri(new Uri("spiffe://example.net/x"))),
                Names(names => names.AddEmailAddress("root@example.net")),
                Names(names => names.AddUserPrincipalName("root@example.net")),
            },
            names => AssertRefused(Refusal.NamesUnexpected, Judge(Requesting(names))));
    }

    [Fact]
    public void Judge_Refuses_PowersThatNoNodeHas()
    {
        Assert.All(
            new X509Extension[]
            {
                X509BasicConstraintsExtension.CreateForCertificateAuthority(),
                new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, critical: true),
                new X509KeyUsageExtension(X509KeyUsageFlags.CrlSign, critical: false),
                new X509KeyUsageExtension(X509KeyUsageFlags.None, critical: false),
                Purposes(Oids.ServerAuthentication, Oids.ClientAuthentication, CodeSigning),
                Purposes(AnyPurpose),
                Purposes(Oids.ServerAuthentication),
            },
            extension => AssertRefused(Refusal.ExtensionUnacceptable, Judge(Requesting(extension))));
    }

    [Fact]
    public void Judge_RefusesExtensions_ThatAreNotOnTheListOfThoseThatANodeMayAskFor()
    {
        Assert.All(
            new X509Extension[]
            {
                new(PrecertificatePoison, [0x05, 0x00], critical: true),
                new(MustStaple, [0x30, 0x03, 0x02, 0x01, 0x05], critical: false),
                new(NameConstraints, [0x30, 0x00], critical: true),
                new("1.2.3.4", [0x05, 0x00], critical: true),
                new("1.2.3.4", [0x05, 0x00], critical: false),
                new(Oids.AuthorityKeyIdentifier, [0x30, 0x00], critical: false),
                new(Oids.SubjectKeyIdentifier, [0x04, 0x01, 0x01], critical: true),
            },
            extension => AssertRefused(Refusal.ExtensionUnacceptable, Judge(Requesting(extension))));
    }

    [Fact]
    public void Judge_Accepts_WhatIsOrderedAnyway() =>
        AssertAccepted(Judge(Requesting(
            X509BasicConstraintsExtension.CreateForEndEntity(),
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true),
            Purposes(Oids.ClientAuthentication, Oids.ServerAuthentication),
            new X509Extension(Oids.SubjectKeyIdentifier, [0x04, 0x01, 0x01], critical: false))));

    [Fact]
    public void Judge_Refuses_BytesAfterAValueWithinItsExtension()
    {
        X509Extension[] sound =
        [
            Names(names => names.AddDnsName(Identity)),
            X509BasicConstraintsExtension.CreateForEndEntity(),
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true),
            Purposes(Oids.ClientAuthentication, Oids.ServerAuthentication),
            new(Oids.SubjectKeyIdentifier, [0x04, 0x01, 0x01], critical: false),
        ];

        Assert.All(sound, extension => AssertAccepted(Judge(Requesting(extension))));
        Assert.All(
            sound,
            extension => AssertRefused(
                Refusal.RequestMalformed,
                Judge(Requesting(new X509Extension(extension.Oid!.Value!, [.. extension.RawData, 0x05, 0x00], extension.Critical)))));
    }

    [Theory]
    [InlineData($"CN={Identity}, O=Example Corp, OU=eu-1", true)]
    [InlineData($"CN={Identity}, O=Example Corp", true)]
    [InlineData($"CN={Identity}, O=Other", false)]
    [InlineData($"CN={Identity}, OU=eu-2", false)]
    [InlineData($"CN={Identity}, O=Example Corp, O=Example Corp", false)]
    [InlineData($"CN={Identity}, L=Valletta", false)]
    [InlineData($"CN={Identity}, OID.2.5.4.5=4711", false)]
    public void Judge_Refuses_SubjectAttributesThatAreNotOrdered(string subject, bool acceptable)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var profile = Profile with { Organization = "Example Corp", OrganizationalUnit = "{overlay}" };

        var verdict = SigningRequestCheck.Judge(
            SigningRequests.Make(new X500DistinguishedName(subject), key), Identity, Overlay, profile);

        Assert.Equal(acceptable ? null : Refusal.NamesUnexpected, RefusalOf(verdict));
    }

    [Fact]
    public void Judge_Accepts_TheOlderLabel() => AssertAccepted(Judge(
        SigningRequests.Choria(Identity).Replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", StringComparison.Ordinal)));

    [Theory]
    [InlineData(1024)]
    [InlineData(2047)]
    [InlineData(9216)]
    [InlineData(16384)]
    public void Judge_RefusesRsaKeys_OfAnotherSize(int bits) =>
        AssertRefused(Refusal.KeyUnacceptable, Judge(ForgedRsa.Request(Identity, ForgedRsa.Modulus(bits), 65_537)));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(65_536)]
    [InlineData(4_294_967_297)]
    public void Judge_RefusesRsaKeys_OfABadExponent(long exponent) =>
        AssertRefused(Refusal.KeyUnacceptable, Judge(ForgedRsa.Request(Identity, ForgedRsa.Modulus(2048), exponent)));

    [Fact]
    public void Judge_RefusesRsaKeys_ThatCanBeFactored()
    {
        AssertWeak("Fermat", ForgedRsa.ClosePrimes());
        AssertWeak("ROCA", ForgedRsa.Roca());
        AssertWeak("small factor", ForgedRsa.Modulus(2047) * 3);

        static void AssertWeak(string weakness, System.Numerics.BigInteger modulus) =>
            Assert.Contains(
                weakness,
                AssertRefused(Refusal.KeyUnacceptable, Judge(ForgedRsa.Request(Identity, modulus, 65_537))).Detail,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.2.840.113549.1.1.5")]
    [InlineData("1.2.840.113549.1.1.4")]
    [InlineData("1.2.840.113549.1.1.10")]
    [InlineData(Oids.Sha256Ecdsa)]
    public void Judge_Refuses_Sha1AndSignaturesOfAnotherKind(string algorithm) =>
        AssertRefused(
            Refusal.KeyUnacceptable, Judge(ForgedRsa.Request(Identity, ForgedRsa.Modulus(2048), 65_537, algorithm)));

    [Fact]
    public void Judge_Refuses_ARequestThatItsKeyDidNotSign() =>
        AssertRefused(Refusal.RequestMalformed, Judge(ForgedRsa.Request(Identity, ForgedRsa.Modulus(2048), 65_537)));

    [Fact]
    public void Judge_Refuses_WhatIsNotOneSoundPemBlock()
    {
        var good = SigningRequests.Choria(Identity);
        var der = Der(good);
        Assert.All(
            new[]
            {
                null,
                "",
                "hello",
                good + good,
                good + "trailing",
                "leading\n" + good,
                good.Replace("BEGIN CERTIFICATE REQUEST", "BEGIN NEW CERTIFICATE REQUEST", StringComparison.Ordinal),
                good.Replace("CERTIFICATE REQUEST", "CERTIFICATE", StringComparison.Ordinal),
                good[..^30],
                Pem([.. der, 0]),
                Pem([]),
                new string('A', 1 << 20),
                good + new string(' ', 65_536),
                Pem([.. Enumerable.Repeat((byte)0x30, 30_000)]),
            },
            pem => AssertRefused(Refusal.RequestMalformed, Judge(pem)));
    }

    [Fact]
    public void Judge_RefusesInTime_WhenARequestIsCutOrSpoilt()
    {
        var der = Der(SigningRequests.Elliptic(Identity));
        var spoilt = Enumerable.Range(0, der.Length).Select(length => der[..length])
            .Concat(Enumerable.Range(0, der.Length * 8).Select(bit =>
            {
                var flipped = der.ToArray();
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                return flipped;
            }));

        foreach (var bytes in spoilt)
        {
            // Only what is slow each time is slow: a busy machine may stall any one call.
            var fastest = TimeSpan.MaxValue;
            for (var tried = 0; tried < 3 && fastest > TimeSpan.FromMilliseconds(500); tried++)
            {
                var began = Stopwatch.GetTimestamp();
                Assert.IsType<SigningRequestVerdict.Refused>(Judge(Pem(bytes)));
                fastest = Stopwatch.GetElapsedTime(began);
            }

            Assert.InRange(fastest, TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        }
    }

    [Fact]
    public void Judge_AllocatesLittle_WhenTenThousandNamesAreAsked()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = SigningRequests.Make(Identity, key, null, Names(names =>
        {
            for (var number = 0; number < 2_000; number++)
            {
                names.AddDnsName($"web{number}.example.net");
            }
        }));
        Assert.True(pem.Length < 64 * 1024);
        var before = GC.GetAllocatedBytesForCurrentThread();

        AssertRefused(Refusal.NamesUnexpected, Judge(pem));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 << 20);
    }

    private static SigningRequestVerdict Judge(string? pem) => SigningRequestCheck.Judge(pem, Identity, Overlay, Profile);

    private static string Requesting(params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return SigningRequests.Make(Identity, key, null, extensions);
    }

    private static X509EnhancedKeyUsageExtension Purposes(params string[] purposes)
    {
        var oids = new OidCollection();
        Array.ForEach(purposes, purpose => oids.Add(new Oid(purpose)));
        return new X509EnhancedKeyUsageExtension(oids, critical: false);
    }

    private static X509Extension Names(Action<SubjectAlternativeNameBuilder> add)
    {
        var builder = new SubjectAlternativeNameBuilder();
        add(builder);
        return builder.Build();
    }

    private static byte[] Der(string pem) => Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]);

    private static string Pem(byte[] der) => PemEncoding.WriteString("CERTIFICATE REQUEST", der);

    private static Refusal? RefusalOf(SigningRequestVerdict verdict) => (verdict as SigningRequestVerdict.Refused)?.Refusal;

    private static SigningRequest AssertAccepted(SigningRequestVerdict verdict) =>
        Assert.IsType<SigningRequestVerdict.Accepted>(verdict).Request;

    private static SigningRequestVerdict.Refused AssertRefused(Refusal expected, SigningRequestVerdict verdict)
    {
        var refused = Assert.IsType<SigningRequestVerdict.Refused>(verdict);
        Assert.Equal(expected, refused.Refusal);
        return refused;
    }
}

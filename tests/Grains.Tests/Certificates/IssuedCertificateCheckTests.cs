using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

public sealed class IssuedCertificateCheckTests : IDisposable
{
    private const string Identity = "web1.example.net";
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly IssuerCapabilities Capable = new(true, true, true, true, true, true, true, null);
    private static readonly CertificateProfile Profile = new() { Organization = "Example Corp", Country = "MT" };

    private readonly ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa nodeKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 root;
    private readonly CertificateOrder order;

    public IssuedCertificateCheckTests()
    {
        root = Root(rootKey, Now.AddDays(3650));
        order = CertificateOrders.For(Identity, SigningRequests.Make(Identity, nodeKey), Profile, Now);
    }

    public void Dispose()
    {
        root.Dispose();
        rootKey.Dispose();
        nodeKey.Dispose();
    }

    [Fact]
    public void Faults_AreNone_WhenItIsWhatWasOrdered() => Assert.Empty(FaultsOf(new Leaf()));

    [Fact]
    public void Faults_NameEachDifference()
    {
        using var anotherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var anotherRoot = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var cases = new (string Fault, Leaf Leaf)[]
        {
            ("another key", new Leaf { Key = anotherKey }),
            ("names [web2.example.net]", new Leaf { Names = ["web2.example.net"] }),
            ("names [web1.example.net, web2.example.net]", new Leaf { Names = [Identity, "web2.example.net"] }),
            ("names []", new Leaf { Names = [] }),
            ("another subject", new Leaf { Subject = $"CN={Identity}, O=Other, C=MT" }),
            ("another subject", new Leaf { Subject = $"CN=web2.example.net, O=Example Corp, C=MT" }),
            ("another subject", new Leaf { Subject = $"CN={Identity}, O=Example Corp, C=MT, OU=extra" }),
            ("key usages None", new Leaf { Usages = X509KeyUsageFlags.None }),
            ("KeyCertSign", new Leaf { Usages = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign }),
            ("purposes", new Leaf { Purposes = [Oids.ClientAuthentication] }),
            ("1.3.6.1.5.5.7.3.3", new Leaf { Purposes = [.. new Leaf().Purposes, "1.3.6.1.5.5.7.3.3"] }),
            ("is a CA", new Leaf { IsAuthority = true }),
            ("unknown critical extension 1.2.3.4", new Leaf { Extra = new X509Extension("1.2.3.4", [5, 0], critical: true) }),
            ("which is not now", new Leaf { NotBefore = Now.AddMinutes(10) }),
            ("which is not now", new Leaf { NotAfter = Now.AddMinutes(-1), NotBefore = Now.AddMinutes(-30) }),
            ("longer than was ordered", new Leaf { NotAfter = Now.AddDays(60) }),
            ("longer than was ordered", new Leaf { NotBefore = Now.AddDays(-1) }),
            ("before", new Leaf { NotAfter = Now.AddDays(3) }),
            ("serial number", new Leaf { Serial = [0] }),
            ("cannot be read", new Leaf { Extra = new X509Extension(Oids.BasicConstraints, [0x30, 0, 5, 0], critical: false) }),
            ("is not signed by the issuing CA", new Leaf { SigningKey = anotherRoot }),
        };

        Assert.All(cases, one => Assert.Contains(FaultsOf(one.Leaf), fault => fault.Contains(one.Fault, StringComparison.Ordinal)));
    }

    [Fact]
    public void Faults_AreNone_WhateverPositiveNumberOfTwentyBytesAtMostTheSerialIs()
    {
        // A CA with 64-bit numbers makes one in 128 that has seven bytes or fewer; one that counts begins with 1.
        var random = new Random(20_260_722);
        for (var bytes = 1; bytes <= 20; bytes++)
        {
            var serial = new byte[bytes];
            for (var tried = 0; tried < 8; tried++)
            {
                random.NextBytes(serial);
                serial[0] = (byte)Math.Max(serial[0] & 0x7f, 1);
                Assert.Empty(FaultsOf(new Leaf { Serial = serial }));
            }
        }
    }

    [Theory]
    [InlineData(21, 0x01)]
    [InlineData(20, 0x80)]
    [InlineData(64, 0x01)]
    public void Faults_FindASerialOfMoreThanTwentyBytes(int bytes, byte first)
    {
        // The platform's writer puts a zero before a number whose first bit is set: that takes a byte more.
        var serial = Enumerable.Repeat((byte)0x55, bytes).ToArray();
        serial[0] = first;

        Assert.Contains(FaultsOf(new Leaf { Serial = serial }), fault => fault.Contains("20 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Faults_FindANegativeSerial()
    {
        var certificate = Sign(new Leaf());
        var negative = certificate with { SerialNumber = new byte[] { 0x80, 1, 2, 3, 4, 5, 6, 7 } };

        Assert.Contains(
            IssuedCertificateCheck.Faults(order, negative, IssuerTrust.Build([root.RawData], [], Now), Capable, Now),
            fault => fault.Contains("serial number", StringComparison.Ordinal));
    }

    [Fact]
    public void Faults_LeaveSubjectAndLifetimeToTheCa_WhenItCannotBeOrdered()
    {
        var incapable = Capable with { PerRequestSubject = false, PerRequestLifetime = false };

        Assert.Empty(FaultsOf(new Leaf { Subject = $"CN={Identity}, O=Set at the CA", NotAfter = Now.AddDays(1) }, incapable));
        Assert.NotEmpty(FaultsOf(new Leaf { Subject = "CN=web2.example.net" }, incapable));
        Assert.NotEmpty(FaultsOf(new Leaf { NotAfter = Now.AddDays(60) }, incapable));
    }

    [Fact]
    public void Faults_FindWhatTheCaCopiedFromTheSubjectOfTheRequest()
    {
        var request = SigningRequests.Make(new X500DistinguishedName($"CN={Identity}, OU=Admins"), nodeKey);
        var copying = order with { SigningRequestDer = Convert.FromBase64String(request[PemEncoding.Find(request).Base64Data]) };
        IReadOnlyList<string> FaultsOfSubject(string subject) => IssuedCertificateCheck.Faults(
            copying,
            Sign(new Leaf { Subject = subject }),
            IssuerTrust.Build([root.RawData], [], Now),
            Capable with { PerRequestSubject = false },
            Now);

        Assert.Empty(FaultsOfSubject($"CN={Identity}, O=Set at the CA"));
        Assert.Contains("2.5.4.11", Assert.Single(FaultsOfSubject($"CN={Identity}, O=Set at the CA, OU=Admins")), StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_FindACertificateThatOutlivesItsIssuer()
    {
        using var ending = Root(rootKey, Now.AddDays(10));
        var trust = IssuerTrust.Build([ending.RawData], [], Now);

        Assert.Contains(
            IssuedCertificateCheck.Faults(order, Sign(new Leaf()), trust, Capable, Now),
            fault => fault.StartsWith("outlives its issuer", StringComparison.Ordinal));
        Assert.Empty(IssuedCertificateCheck.Faults(order, Sign(new Leaf { NotAfter = Now.AddDays(10) }), trust, Capable, Now));
    }

    [Fact]
    public void Build_Refuses_AChainThatLeadsNowhere()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherRoot = Root(stranger, Now.AddDays(3650));
        using var ended = Root(stranger, Now.AddDays(-1));

        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build([], [], Now));
        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build([[1, 2, 3]], [], Now));
        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build([root.RawData], [otherRoot.RawData], Now));
        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build([ended.RawData], [], Now));
        Assert.Throws<IssuerMisconfiguredException>(() => IssuerTrust.Build([Sign(new Leaf()).Der.ToArray()], [root.RawData], Now));
    }

    private IReadOnlyList<string> FaultsOf(Leaf leaf, IssuerCapabilities? capabilities = null) => IssuedCertificateCheck.Faults(
        order, Sign(leaf), IssuerTrust.Build([root.RawData], [], Now), capabilities ?? Capable, Now);

    private CertificateFields Sign(Leaf leaf)
    {
        var request = new CertificateRequest(leaf.Subject, leaf.Key ?? nodeKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(leaf.Usages, critical: true));
        var purposes = new OidCollection();
        Array.ForEach(leaf.Purposes, purpose => purposes.Add(new Oid(purpose)));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: false));
        if (leaf.Names.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            Array.ForEach(leaf.Names, names.AddDnsName);
            request.CertificateExtensions.Add(names.Build());
        }

        if (leaf.IsAuthority)
        {
            request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        }

        if (leaf.Extra is not null)
        {
            request.CertificateExtensions.Add(leaf.Extra);
        }

        var generator = X509SignatureGenerator.CreateForECDsa(leaf.SigningKey ?? rootKey);
        using var certificate = request.Create(root.SubjectName, generator, leaf.NotBefore, leaf.NotAfter, leaf.Serial);
        return CertificateFields.Read(certificate.RawData);
    }

    private static X509Certificate2 Root(ECDsa key, DateTimeOffset notAfter)
    {
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        return request.CreateSelfSigned(Now.AddDays(-3), notAfter);
    }

    private sealed record Leaf
    {
        public ECDsa? Key { get; init; }

        public ECDsa? SigningKey { get; init; }

        public string Subject { get; init; } = $"CN={Identity}, O=Example Corp, C=MT";

        public string[] Names { get; init; } = [Identity];

        public X509KeyUsageFlags Usages { get; init; } = X509KeyUsageFlags.DigitalSignature;

        public string[] Purposes { get; init; } = [Oids.ClientAuthentication, Oids.ServerAuthentication];

        public bool IsAuthority { get; init; }

        public X509Extension? Extra { get; init; }

        public DateTimeOffset NotBefore { get; init; } = Now.AddMinutes(-5);

        public DateTimeOffset NotAfter { get; init; } = Now.AddDays(30);

        public byte[] Serial { get; init; } = [0x40, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    }
}

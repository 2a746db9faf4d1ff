using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using ControlPlane.X509;

namespace ControlPlane.Grains.Tests.Certificates;

public sealed class OwnCertificateCheckTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private readonly TestAuthority authority = TestAuthority.Create(TestKeyKind.P256);
    private readonly RSA key = RSA.Create(2048);

    public void Dispose()
    {
        authority.Dispose();
        key.Dispose();
    }

    [Fact]
    public void Faults_AreNone_OfAPairThatClientsMayShow() =>
        Assert.Empty(Faults(Leaf, key.ExportPkcs8PrivateKeyPem(), OwnCertificateCheck.ClientAuthentication));

    [Fact]
    public void Faults_NameEachThatThereIs()
    {
        using var another = RSA.Create(2048);
        var leaf = Leaf with
        {
            NotBefore = Now.AddDays(-3), NotAfter = Now.AddDays(-1), Purposes = [OwnCertificateCheck.ServerAuthentication],
        };

        var faults = Faults(leaf, another.ExportPkcs8PrivateKeyPem(), OwnCertificateCheck.ClientAuthentication);

        Assert.Equal(3, faults.Count);
        Assert.Contains(faults, fault => fault.Contains("ended at", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("clientAuth", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("does not belong to the key", StringComparison.Ordinal));
    }

    [Fact]
    public void Faults_OfAKeyInPlaceOfACertificate_AreOne_AndDoNotShowIt()
    {
        var pem = key.ExportPkcs8PrivateKeyPem();

        var fault = Assert.Single(OwnCertificateCheck.Faults(pem, pem, OwnCertificateCheck.ClientAuthentication, Now));

        Assert.Contains("no certificate", fault, StringComparison.Ordinal);
        Assert.DoesNotContain(pem[40..80], fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_OfAFileThatMayNotBeRead_SaySo() => Assert.Contains(
        "may not read",
        Assert.Single(OwnCertificateCheck.Faults(
            "/a.pem", "/a.key", _ => throw new UnauthorizedAccessException("denied"), OwnCertificateCheck.ServerAuthentication, Now)),
        StringComparison.Ordinal);

    private TestLeaf Leaf => new(new X500DistinguishedName("CN=silo"), new PublicKey(key), Now.AddDays(-1), Now.AddDays(30));

    private IReadOnlyList<string> Faults(TestLeaf leaf, string keyPem, string purpose) => OwnCertificateCheck.Faults(
        PemEncoding.WriteString("CERTIFICATE", leaf.Sign(authority)), keyPem, purpose, Now);
}

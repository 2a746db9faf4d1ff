using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Tests.Vault;

public sealed class VaultVerbatimTests
{
    private const string Identity = "web1.example.net";
    private static readonly CertificateProfile Profile = new() { Lifetime = TimeSpan.FromDays(7) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IssueAsync_AsksVaultForNoCertificate_WhenTheRequestHoldsNoName()
    {
        await using var world = await VaultWorld.StartAsync();

        var refused = await Assert.ThrowsAsync<IssuerRefusedException>(
            () => Open(world).IssueAsync(Order(SigningRequests.Choria(Identity)), Cancel));

        Assert.Contains("Verbatim", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, world.Vault.Pki.Issued);
    }

    [Fact]
    public async Task IssueAsync_SignsWhatWasOrdered_WhenTheRequestHoldsItsName()
    {
        await using var world = await VaultWorld.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var order = Order(SigningRequests.Make(Identity, key, null, Name()));
        var issuer = Open(world);

        var signed = await issuer.IssueAsync(order, Cancel);

        Assert.Empty(Faults(issuer, order, signed));
    }

    [Fact]
    public async Task IssueAsync_IsFoundOut_WhenVaultCopiesTheSubjectOfTheRequest()
    {
        await using var world = await VaultWorld.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asking = SigningRequests.Make(new X500DistinguishedName($"CN={Identity}, O=Admins"), key, null, Name());
        var order = Order(SigningRequests.Make(Identity, key, null, Name())) with
        {
            SigningRequestDer = Convert.FromBase64String(asking[PemEncoding.Find(asking).Base64Data]),
        };
        var issuer = Open(world);

        var signed = await issuer.IssueAsync(order, Cancel);

        Assert.Contains("2.5.4.10", Assert.Single(Faults(issuer, order, signed)), StringComparison.Ordinal);
    }

    private static VaultIssuer Open(VaultWorld world)
    {
        var options = world.Options();
        options.Verbatim = true;
        return world.Open(options);
    }

    private static CertificateOrder Order(string request) =>
        CertificateOrders.For(Identity, request, Profile, TimeProvider.System.GetUtcNow());

    private static X509Extension Name()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Identity);
        return names.Build();
    }

    private static IReadOnlyList<string> Faults(VaultIssuer issuer, CertificateOrder order, SignedCertificate signed) =>
        IssuedCertificateCheck.Faults(
            order,
            CertificateFields.Read(signed.CertificateDer),
            IssuerTrust.Build(signed.ChainDer, [], TimeProvider.System.GetUtcNow()),
            issuer.Capabilities,
            TimeProvider.System.GetUtcNow());
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>What every issuer promises, whatever stands behind it. An issuer's tests derive from this and say how to start one.</summary>
public abstract class CertificateIssuerContract
{
    protected const string Identity = "web1.example.net";

    /// <summary>The clock of issuers and orders: real servers do not take another.</summary>
    protected static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The profile that the issuer's CA is set up for.</summary>
    protected virtual CertificateProfile Profile { get; } = new()
    {
        Name = "node",
        Issuers = ["tested"],
        Lifetime = TimeSpan.FromDays(7),
    };

    /// <summary>Starts an issuer whose CA works. Called once in a test; what it starts it also ends.</summary>
    protected abstract Task<ICertificateIssuer> StartAsync();

    [Theory]
    [InlineData("rsa")]
    [InlineData("p256")]
    public async Task IssueAsync_SignsExactlyWhatWasOrdered_WhenTheNodeIsAChoriaServer(string key)
    {
        var issuer = await StartAsync();

        await IssuerChecks.AssertSignsAsync(
            issuer, Order(key == "rsa" ? SigningRequests.Choria(Identity) : SigningRequests.Elliptic(Identity)));
    }

    [Fact]
    public async Task IssueAsync_WritesEveryNameOfTheProfile_WhenItCanBeOrdered()
    {
        var issuer = await StartAsync();
        var profile = Profile with
        {
            DnsNames = issuer.Capabilities.PerRequestNames ? ["{host}.alt.example.net"] : [],
            Uris = issuer.Capabilities.PerRequestUris ? ["spiffe://example.net/{overlay}/{identity}"] : [],
            OrganizationalUnit = issuer.Capabilities.PerRequestSubject ? "{overlay}" : null,
        };
        var order = CertificateOrders.For(Identity, SigningRequests.Choria(Identity), profile, Now);

        var signed = await issuer.IssueAsync(order, Cancel);

        Assert.Empty(await FaultsAsync(issuer, order, signed));
        Assert.Equal(
            1 + profile.DnsNames.Count + profile.Uris.Count, order.DnsNames.Count + order.Uris.Count);
    }

    [Fact]
    public async Task IssueAsync_GivesTheNodeNothingThatOnlyItsRequestAsksFor()
    {
        var issuer = await StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asking = SigningRequests.Make(new X500DistinguishedName($"CN={Identity}, OU=Admins, OID.2.5.4.5=4711"), key);

        // No such request is ordered for; here it is, so that each CA shows what it makes of it.
        var order = Order(SigningRequests.Make(Identity, key)) with
        {
            SigningRequestDer = Convert.FromBase64String(asking[PemEncoding.Find(asking).Base64Data]),
        };

        var signed = await issuer.IssueAsync(order, Cancel);

        var subject = NameEntry.ReadAll(CertificateFields.Read(signed.CertificateDer).Subject);
        var copied = subject.Any(attribute => attribute.Value is "Admins" or "4711");
        Assert.Equal(copied, (await FaultsAsync(issuer, order, signed)).Count > 0);
    }

    [Fact]
    public async Task FindFaultsAsync_FindsNone_WhenTheCaIsSetUpForTheProfile()
    {
        if (await StartAsync() is ICertificateProfileCheck check)
        {
            Assert.Empty(await check.FindFaultsAsync(Profile, Cancel));
            Assert.NotEmpty(await check.FindFaultsAsync(Profile with { ServerAuthentication = false }, Cancel));
        }
    }

    [Fact]
    public async Task IssueAsync_GivesEachOrderASerialOfItsOwn_WhenCalledAtOnce()
    {
        var issuer = await StartAsync();
        var orders = Enumerable.Range(1, 16).Select(number => Order(SigningRequests.Elliptic(Identity), $"{Identity}/{number}")).ToList();

        var signed = await Task.WhenAll(orders.Select(order => issuer.IssueAsync(order, Cancel)));

        Assert.Equal(orders.Count, signed.Select(one => CertificateFields.Read(one.CertificateDer).SerialText).Distinct().Count());
        foreach (var (order, certificate) in orders.Zip(signed))
        {
            Assert.Empty(await FaultsAsync(issuer, order, certificate));
        }
    }

    [Fact]
    public async Task IssueAsync_GivesTheSameCertificate_WhenItIsRepeatableAndAskedAgain()
    {
        var issuer = await StartAsync();
        var order = Order(SigningRequests.Choria(Identity));

        var first = CertificateFields.Read((await issuer.IssueAsync(order, Cancel)).CertificateDer);
        var second = CertificateFields.Read((await issuer.IssueAsync(order, Cancel)).CertificateDer);

        Assert.Equal(issuer.Capabilities.Repeatable, first.SerialText == second.SerialText);
        Assert.Equal(issuer.Capabilities.Repeatable, first.Signed.Span.SequenceEqual(second.Signed.Span));
    }

    [Fact]
    public async Task IssueAsync_Throws_WhenTheCallerHasCancelled()
    {
        var issuer = await StartAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => issuer.IssueAsync(Order(SigningRequests.Choria(Identity)), new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task CheckAsync_IsHealthy_WhenTheCaWorks()
    {
        var issuer = await StartAsync();

        var health = await issuer.CheckAsync(Cancel);

        Assert.True(health.Healthy, health.Detail);
    }

    [Fact]
    public async Task GetChainAsync_BeginsWithTheIssuingCa_AndLeadsToTheRoot()
    {
        var issuer = await StartAsync();

        await IssuerChecks.AssertLeadsToTheRootAsync(issuer, Order(SigningRequests.Choria(Identity)));
    }

    [Fact]
    public async Task RevokeAsync_IsRepeatable_WhenTheIssuerCanRevoke()
    {
        var issuer = await StartAsync();
        var capable = issuer.Capabilities.RevokesBySerial || issuer.Capabilities.RevokesByCertificate;
        Assert.Equal(capable, IssuerChecks.RevokerOf(issuer) is not null);
        Assert.Equal(issuer.Capabilities.PublishesRevocationList, IssuerChecks.RevocationListsOf(issuer) is not null);

        await IssuerChecks.AssertRevokesAsync(
            issuer, Order(SigningRequests.Choria(Identity)), Order(SigningRequests.Choria(Identity), $"{Identity}/2"));
    }

    protected CertificateOrder Order(string signingRequestPem, string? orderId = null) =>
        CertificateOrders.For(Identity, signingRequestPem, Profile, Now, orderId);

    private protected static Task<IReadOnlyList<string>> FaultsAsync(
        ICertificateIssuer issuer, CertificateOrder order, SignedCertificate signed) => IssuerChecks.FaultsAsync(issuer, order, signed);
}

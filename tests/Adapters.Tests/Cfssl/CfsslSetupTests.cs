using ControlPlane.Adapters.Cfssl;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Cfssl;

/// <summary>What is found out about a cfssl before the first order.</summary>
public sealed class CfsslSetupTests(CfsslWorld world) : IClassFixture<CfsslWorld>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("no-such-profile")]
    [InlineData(CfsslServer.TwinProfile)]
    public async Task VerifyAsync_RefusesTheProfile_WhenCfsslTakesDefaultForIt(string profile)
    {
        var options = CfsslWorld.OptionsFor(await world.ServerAsync());
        options.Profile = profile;
        using var issuer = CfsslWorld.Open(options);

        var fault = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.VerifyAsync(Cancel));

        Assert.Contains(profile, fault.Message, StringComparison.Ordinal);
        Assert.False((await issuer.CheckAsync(Cancel)).Healthy);
    }

    [Fact]
    public async Task IssueAsync_MakesNoCertificate_WhenTheProfileIsUnknown()
    {
        var server = await world.ServerAsync(new CfsslServerSettings { Database = true });
        var options = CfsslWorld.OptionsFor(server);
        options.Profile = "no-such-profile";
        using var issuer = CfsslWorld.Open(options);

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.IssueAsync(Order(), Cancel));

        Assert.Empty(server.ReadIssued());
    }

    [Fact]
    public async Task VerifyAsync_RefusesTheCa_WhenItIsNotTheConfiguredOne()
    {
        using var other = TestAuthority.Create(TestKeyKind.P256);
        var chainFile = Path.GetTempFileName();
        await File.WriteAllTextAsync(chainFile, other.ChainPem, Cancel);
        var options = CfsslWorld.OptionsFor(await world.ServerAsync());
        options.ChainFile = chainFile;
        using var issuer = CfsslWorld.Open(options);

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.VerifyAsync(Cancel));

        File.Delete(chainFile);
    }

    [Theory]
    [InlineData(CfsslRevocation.Database, false, "-db-config")]
    [InlineData(CfsslRevocation.DatabaseAndList, true, "before 1.6")]
    public async Task VerifyAsync_NamesTheMissingCapability_WhenTheServerCannotDoIt(CfsslRevocation revocation, bool database, string why)
    {
        var options = CfsslWorld.OptionsFor(await world.ServerAsync(new CfsslServerSettings { Database = database }));
        options.Revocation = revocation;
        using var issuer = CfsslWorld.Open(options);

        var fault = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.VerifyAsync(Cancel));

        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RevokeAsync_IsRefused_WhenCfsslDoesNotHaveTheCertificate()
    {
        var stranger = await world.ServerAsync();
        using var elsewhere = CfsslWorld.Open(CfsslWorld.OptionsFor(stranger));
        var foreign = await elsewhere.IssueAsync(Order(), Cancel);
        var options = CfsslWorld.OptionsFor(await world.ServerAsync(new CfsslServerSettings { Database = true }));
        options.Revocation = CfsslRevocation.Database;
        using var issuer = CfsslWorld.Open(options);

        await Assert.ThrowsAsync<IssuerRefusedException>(
            () => issuer.RevokeAsync(new RevocationOrder(foreign.CertificateDer, RevocationReason.Superseded), Cancel));
        await Assert.ThrowsAsync<IssuerRefusedException>(
            () => issuer.RevokeAsync(new RevocationOrder(new byte[] { 1, 2, 3 }, RevocationReason.Superseded), Cancel));
    }

    [Fact]
    public async Task IssueAsync_Works_WithMutualTls()
    {
        using var pki = TestPki.Create();
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { MutualTls = pki }, Cancel);
        using var issuer = CfsslWorld.Open(WithTls(server, pki, CfsslServer.ClientName));

        Assert.NotEmpty((await issuer.IssueAsync(Order(), Cancel)).CertificateDer);

        using var stranger = CfsslWorld.Open(WithTls(server, pki, "stranger.example.net"));
        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => stranger.IssueAsync(Order(), Cancel));
    }

    [Fact]
    public async Task IssueAsync_RefusesTheServer_WhenItsCertificateIsNotTrusted()
    {
        using var pki = TestPki.Create();
        using var otherPki = TestPki.Create();
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { MutualTls = pki }, Cancel);
        var options = WithTls(server, pki, CfsslServer.ClientName);
        options.ServerCaFile = otherPki.AuthorityPath;
        using var issuer = CfsslWorld.Open(options);

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.IssueAsync(Order(), Cancel));
    }

    private static CfsslOptions WithTls(CfsslServer server, TestPki pki, string client)
    {
        var files = pki.ClientCertificate(client);
        var options = CfsslWorld.OptionsFor(server);
        options.ServerCaFile = pki.AuthorityPath;
        options.ClientCertificateFile = files.CertificatePath;
        options.ClientKeyFile = files.KeyPath;
        return options;
    }

    private static CertificateOrder Order() => CertificateOrders.For(
        "web1.example.net",
        SigningRequests.Choria("web1.example.net"),
        new CertificateProfile { Lifetime = TimeSpan.FromDays(7), Organization = "Example Corp", Country = "MT" },
        TimeProvider.System.GetUtcNow());
}

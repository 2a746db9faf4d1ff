using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Vault;

/// <summary>How we log in, stay logged in, and come back.</summary>
public sealed class VaultSessionTests : IAsyncLifetime
{
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private VaultWorld world = null!;
    private VaultClient? client;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private FakeVaultTokens Tokens => world.Vault.Tokens;

    public async ValueTask InitializeAsync()
    {
        world = await VaultWorld.StartAsync();
        Tokens.Time = time;
    }

    public ValueTask DisposeAsync()
    {
        client?.Dispose();
        return world.DisposeAsync();
    }

    [Fact]
    public async Task GetTokenAsync_LogsInOnce_WhenHundredsAskAtOnce()
    {
        using var session = Open();

        var tokens = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => session.GetTokenAsync(Cancel).AsTask()));

        Assert.Single(tokens.Distinct());
        Assert.Equal(1, Tokens.Logins);
    }

    [Fact]
    public async Task IssueAsync_LogsInOnceMore_WhenHundredsFindTheTokenRevoked()
    {
        var issuer = world.Open(world.Options());
        var order = Order();
        await issuer.IssueAsync(order, Cancel);
        Tokens.RevokeAll();

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => issuer.IssueAsync(order, Cancel)));

        Assert.Equal(2, Tokens.Logins);
    }

    [Fact]
    public async Task GetTokenAsync_Renews_AtTwoThirdsOfTheLifetime()
    {
        using var session = Open();
        var token = await session.GetTokenAsync(Cancel);

        time.Advance(Tokens.Lifetime * 0.5);
        Assert.Equal(token, await session.GetTokenAsync(Cancel));
        Assert.Equal(0, Tokens.Renewals);

        time.Advance(Tokens.Lifetime * 0.3);
        Assert.Equal(token, await session.GetTokenAsync(Cancel));
        Assert.Equal((1, 1), (Tokens.Logins, Tokens.Renewals));
    }

    [Fact]
    public async Task GetTokenAsync_LogsInAheadOfTheEnd_WhenTheTokenCannotBeRenewed()
    {
        Tokens.Renewable = false;
        using var session = Open();
        var token = await session.GetTokenAsync(Cancel);

        time.Advance(Tokens.Lifetime * 0.8);

        Assert.NotEqual(token, await session.GetTokenAsync(Cancel));
        Assert.Equal(2, Tokens.Logins);
    }

    [Fact]
    public async Task GetTokenAsync_LogsInAnew_WhenRenewalsShrink()
    {
        using var session = Open();
        await session.GetTokenAsync(Cancel);
        Tokens.RenewedLifetime = TimeSpan.FromMinutes(1);

        time.Advance(Tokens.Lifetime * 0.8);
        await session.GetTokenAsync(Cancel);

        Assert.Equal(2, Tokens.Logins);
    }

    [Fact]
    public async Task GetTokenAsync_KeepsTheTokenThatHolds_WhenVaultIsSealedAtRenewal()
    {
        using var session = Open();
        var token = await session.GetTokenAsync(Cancel);
        world.Vault.HealthStatus = 503;

        time.Advance(Tokens.Lifetime * 0.8);

        Assert.Equal(token, await session.GetTokenAsync(Cancel));
    }

    [Fact]
    public async Task GetTokenAsync_SharesTheFailure_WhenVaultDoesNotLetUsIn()
    {
        world.Write("secret-id", "wrong");
        using var session = Open();

        var faults = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(async _ => await Record.ExceptionAsync(() => session.GetTokenAsync(Cancel).AsTask())));

        Assert.All(faults, fault => Assert.IsType<IssuerMisconfiguredException>(fault));
        Assert.Equal(1, world.Vault.Requests);
    }

    [Fact]
    public async Task GetTokenAsync_ReadsTheFileAgain_WhenAnOperatorReplacedTheToken()
    {
        var options = world.Options();
        options.Login = new VaultLoginOptions { Method = VaultLoginMethod.Token, TokenFile = world.Write("token", Tokens.Create()) };
        var issuer = world.Open(options, time);
        await issuer.IssueAsync(Order(), Cancel);
        Tokens.RevokeAll();
        world.Write("token", Tokens.Create());

        Assert.NotEmpty((await issuer.IssueAsync(Order(), Cancel)).CertificateDer);
    }

    [Fact]
    public async Task GetTokenAsync_LogsInByKubernetes()
    {
        var options = world.Options();
        options.Login = new VaultLoginOptions
        {
            Method = VaultLoginMethod.Kubernetes,
            Role = FakeVaultTokens.KubernetesRole,
            JwtFile = Path.Combine(world.Folder, "jwt"),
        };

        Assert.NotEmpty((await world.Open(options).IssueAsync(Order(), Cancel)).CertificateDer);
    }

    [Fact]
    public async Task GetTokenAsync_LogsInByCertificate()
    {
        using var pki = TestPki.Create();
        await using var secure = await VaultWorld.StartAsync(new FakeVaultSettings { Tls = pki });
        var files = pki.ClientCertificate("silo.example.net");
        var options = secure.Options();
        options.ServerCaFile = pki.AuthorityPath;
        options.Login = new VaultLoginOptions
        {
            Method = VaultLoginMethod.Certificate,
            Role = FakeVaultTokens.CertificateRole,
            CertificateFile = files.CertificatePath,
            KeyFile = files.KeyPath,
        };

        Assert.NotEmpty((await secure.Open(options).IssueAsync(Order(), Cancel)).CertificateDer);
    }

    private VaultSession Open()
    {
        client = new VaultClient("tested", world.Options(), time);
        return new VaultSession(new VaultLogin(client, world.Options().Login), VaultLoginMethod.AppRole, time, new Random(1));
    }

    private static CertificateOrder Order() => CertificateOrders.For(
        "web1.example.net",
        SigningRequests.Elliptic("web1.example.net"),
        new CertificateProfile { Lifetime = TimeSpan.FromDays(7) },
        TimeProvider.System.GetUtcNow());
}

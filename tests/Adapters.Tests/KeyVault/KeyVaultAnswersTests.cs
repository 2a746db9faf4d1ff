using System.Text;
using ControlPlane.Adapters.KeyVault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using ControlPlane.X509;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.KeyVault;

/// <summary>What a vault's answers mean, whom it is shown a token, and how much it is asked to do.</summary>
public sealed class KeyVaultAnswersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(KeyVaultTrick.LosesTheAnswer)]
    [InlineData(KeyVaultTrick.Garbage)]
    [InlineData(KeyVaultTrick.Fails)]
    public async Task IssueAsync_IsUnavailable_WhenASignatureIsLost_BecauseThatIsNoCertificate(KeyVaultTrick trick)
    {
        await using var world = await KeyVaultWorld.StartAsync();
        world.Vault.Trick = trick;

        await Assert.ThrowsAsync<IssuerUnavailableException>(() => world.Open(world.Options()).IssueAsync(Order(), Cancel));
    }

    [Fact]
    public async Task IssueAsync_IsUnavailable_WhenTheVaultIsSilent()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        world.Vault.Trick = KeyVaultTrick.Silent;
        var options = world.Options();
        options.Timeout = TimeSpan.FromSeconds(2);

        await Assert.ThrowsAsync<IssuerUnavailableException>(() => world.Open(options).IssueAsync(Order(), Cancel));
    }

    [Fact]
    public async Task IssueAsync_IsMisconfigured_WhenAnotherVersionOfTheKeySigned()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        world.Vault.Trick = KeyVaultTrick.OtherVersion;

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => world.Open(world.Options()).IssueAsync(Order(), Cancel));
    }

    [Fact]
    public async Task IssueAsync_IsCaughtByTheCheck_WhenAnotherKeySigned()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        world.Vault.Trick = KeyVaultTrick.OtherKey;
        var issuer = world.Open(world.Options());
        var order = Order();

        var signed = await issuer.IssueAsync(order, Cancel);

        var trust = IssuerTrust.Build(signed.ChainDer, [], TimeProvider.System.GetUtcNow());
        var fault = Assert.Single(IssuedCertificateCheck.Faults(
            order, CertificateFields.Read(signed.CertificateDer), trust, issuer.Capabilities, TimeProvider.System.GetUtcNow()));
        Assert.Contains("not signed by the issuing CA", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IssueAsync_ShowsNoTokenAndNoDigest_WhenTheVaultNamesAnothersResource()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        var issuer = world.Open(world.Options());
        await issuer.GetChainAsync(Cancel);
        var asked = world.Credential.Asked;
        world.Vault.Trick = KeyVaultTrick.Phishes;

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.IssueAsync(Order(), Cancel));

        Assert.Equal(asked, world.Credential.Asked);
        Assert.Empty(world.Vault.LastUnauthorizedBody);
        Assert.Equal(0, world.Vault.Signatures);
    }

    [Fact]
    public async Task IssueAsync_IsChallengedAndReadsTheCertificateOnce_WhateverItIssues()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        var issuer = world.Open(world.Options());

        for (var orders = 0; orders < 20; orders++)
        {
            await issuer.IssueAsync(Order(), Cancel);
        }

        // One challenge and token for each of the two clients: Azure's, that reads, and ours, that signs.
        Assert.Equal((20, 2, 1), (world.Vault.Signatures, world.Vault.Challenges, world.Vault.Reads));
        Assert.Equal(2, world.Credential.Asked);
        Assert.Equal([$"{FakeKeyVault.Resource}/.default"], world.Credential.Last.Scopes);
        Assert.Equal(FakeKeyVault.Tenant, world.Credential.Last.TenantId);
        Assert.Empty(world.Vault.LastUnauthorizedBody);
    }

    [Fact]
    public async Task IssueAsync_LetsAllWait_WhenTheVaultAskedOneTo()
    {
        await using var world = await KeyVaultWorld.StartAsync();
        world.Vault.Trick = KeyVaultTrick.Throttles;

        // Its clock stands still: however long the two orders take, the second comes while the vault wants to be left alone.
        var issuer = world.Open(world.Options(), new VaultBudget(new FakeTimeProvider()));
        var first = await Assert.ThrowsAsync<IssuerThrottledException>(() => issuer.IssueAsync(Order(), Cancel));
        world.Vault.Trick = KeyVaultTrick.None;

        var second = await Assert.ThrowsAsync<IssuerThrottledException>(() => issuer.IssueAsync(Order(), Cancel));

        Assert.Equal(TimeSpan.FromSeconds(9), first.RetryAfter);
        Assert.Equal(TimeSpan.FromSeconds(9), second.RetryAfter);
        Assert.Equal(0, world.Vault.Signatures);
    }

    [Fact]
    public void TryTake_GivesFourFifthsOfTheLimit_OverTime()
    {
        var time = new FakeTimeProvider();
        var budget = new VaultBudget(time);
        var taken = 0;

        for (var tick = 0; tick < 1000; tick++)
        {
            while (budget.TryTake(perWindow: 100, waitMax: TimeSpan.Zero, out _))
            {
                taken++;
            }

            time.Advance(TimeSpan.FromMilliseconds(10));
        }

        // 80 in ten seconds, and the burst of one second with which it began.
        Assert.InRange(taken, 80, 90);
    }

    [Fact]
    public void TryTake_AddsUpTheKeysOfAVault()
    {
        var budget = new VaultBudget(new FakeTimeProvider());
        while (budget.TryTake(perWindow: 100, waitMax: TimeSpan.Zero, out _))
        {
        }

        Assert.False(budget.TryTake(perWindow: 4000, waitMax: TimeSpan.Zero, out var wait));
        Assert.True(wait > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"", "a.vault.azure.net", true)]
    [InlineData("Bearer authorization=\"https://login.microsoftonline.com/t\", scope=\"https://vault.azure.net/.default\"", "a.vault.azure.net", true)]
    [InlineData("Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"", "vault.azure.net.evil.org", false)]
    [InlineData("Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"", "evilvault.azure.net", false)]
    [InlineData("Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"net\"", "a.vault.azure.net", false)]
    [InlineData("Basic realm=\"x\"", "a.vault.azure.net", false)]
    public void ReadOrNull_TrustsOnlyWhoIsBelowTheResource(string header, string host, bool trusted) =>
        Assert.Equal(trusted, VaultChallenge.ReadOrNull(header, host) is not null);

    [Fact]
    public async Task IssueAsync_SaysNoSecret_WhateverFails()
    {
        var said = new StringBuilder();
        foreach (var trick in Enum.GetValues<KeyVaultTrick>().Where(one => one is not KeyVaultTrick.Silent))
        {
            await using var world = await KeyVaultWorld.StartAsync();
            world.Vault.Trick = trick;
            var issuer = world.Open(world.Options());
            said.Append(await Record.ExceptionAsync(() => issuer.IssueAsync(Order(), Cancel)));
            said.Append((await issuer.CheckAsync(Cancel)).Detail);
        }

        Assert.Contains("Throttled", said.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("planted", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_NamesEveryFault_WhenAllIsWrong()
    {
        var options = new KeyVaultOptions
        {
            Url = new Uri("http://overlay1.vault.azure.net"),
            ChainFile = "/no/such/chain.pem",
            SignaturesPerTenSeconds = 0,
            TurnWaitMax = TimeSpan.FromHours(1),
            Timeout = TimeSpan.Zero,
            ConcurrencyMax = 0,
            Credential = new KeyVaultCredentialOptions { Kind = KeyVaultCredentialKind.ClientSecret },
        };

        var faults = new KeyVaultOptionsValidator().Validate("one", options).Failures!;

        Assert.Equal(
            ["Certificate", "ChainFile", "ConcurrencyMax", "Credential:ClientId", "Credential:SecretFile", "Credential:TenantId",
                "SignaturesPerTenSeconds", "Timeout", "TurnWaitMax", "Url"],
            faults.Select(fault => fault.Replace("Property ", "", StringComparison.Ordinal).Split(": ")[0]).Order(StringComparer.Ordinal));
    }

    private static CertificateOrder Order() => CertificateOrders.For(
        "web1.example.net",
        SigningRequests.Elliptic("web1.example.net"),
        new CertificateProfile { Lifetime = TimeSpan.FromDays(7), Country = "MT", Locality = "Valletta", Organization = "Example Corp" },
        TimeProvider.System.GetUtcNow());
}

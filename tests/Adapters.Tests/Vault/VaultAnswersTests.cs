using System.Net;
using System.Text;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Tests.Vault;

/// <summary>What Vault's answers mean, and what the issuer says of itself.</summary>
public sealed class VaultAnswersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, "common name x not allowed by this role", typeof(IssuerRefusedException))]
    [InlineData(400, "certificate request could not be parsed", typeof(IssuerRefusedException))]
    [InlineData(400, "unknown role: node", typeof(IssuerMisconfiguredException))]
    [InlineData(400, "cannot satisfy request, as TTL ... beyond the expiration of the CA certificate", typeof(IssuerMisconfiguredException))]
    [InlineData(403, "permission denied", typeof(IssuerMisconfiguredException))]
    [InlineData(404, "", typeof(IssuerMisconfiguredException))]
    [InlineData(405, "unsupported operation", typeof(IssuerMisconfiguredException))]
    [InlineData(413, "", typeof(IssuerRefusedException))]
    [InlineData(307, "", typeof(IssuerUnavailableException))]
    [InlineData(412, "", typeof(IssuerUnavailableException))]
    [InlineData(429, "quota", typeof(IssuerThrottledException))]
    [InlineData(472, "", typeof(IssuerUnavailableException))]
    [InlineData(473, "", typeof(IssuerUnavailableException))]
    [InlineData(500, "failed to audit response", typeof(IssuerOutcomeUnknownException))]
    [InlineData(501, "", typeof(IssuerUnavailableException))]
    [InlineData(502, "", typeof(IssuerOutcomeUnknownException))]
    [InlineData(503, "Vault is sealed", typeof(IssuerUnavailableException))]
    public void OfOrder_SaysWhatTheCallerMustDo(int status, string error, Type expected)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"errors":["{{error}}"]}""");

        Assert.IsType(expected, VaultFault.OfOrder("tested", VaultAnswer.Read((HttpStatusCode)status, body, null)));
    }

    [Theory]
    [InlineData(VaultTrick.ThrottlesWithTime, 7)]
    [InlineData(VaultTrick.ThrottlesWithoutTime, 5)]
    public async Task IssueAsync_SaysWhenToComeBack_WhenOverAQuota(VaultTrick trick, int seconds)
    {
        await using var world = await VaultWorld.StartAsync();
        world.Vault.Trick = trick;

        var fault = await Assert.ThrowsAsync<IssuerThrottledException>(() => world.Open(world.Options()).IssueAsync(Order(), Cancel));

        Assert.Equal(TimeSpan.FromSeconds(seconds), fault.RetryAfter);
    }

    [Fact]
    public async Task IssueAsync_HasAnUnknownOutcome_WhenTheAuditLogFailsAfterSigning()
    {
        await using var world = await VaultWorld.StartAsync();
        world.Vault.Trick = VaultTrick.AuditFails;

        await Assert.ThrowsAsync<IssuerOutcomeUnknownException>(() => world.Open(world.Options()).IssueAsync(Order(), Cancel));

        Assert.Equal(1, world.Vault.Pki.Issued);
    }

    [Theory]
    [InlineData(200, true, "active")]
    [InlineData(429, true, "standby")]
    [InlineData(473, true, "performance standby")]
    [InlineData(472, false, "disaster recovery")]
    [InlineData(501, false, "not initialised")]
    [InlineData(503, false, "sealed")]
    public async Task CheckAsync_ReadsVaultsOwnCodes(int status, bool healthy, string detail)
    {
        await using var world = await VaultWorld.StartAsync();
        world.Vault.HealthStatus = status;

        var health = await world.Open(world.Options()).CheckAsync(Cancel);

        Assert.Equal(healthy, health.Healthy);
        Assert.Contains(detail, health.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CheckAsync_SaysSo_WhenTheClocksDiffer()
    {
        await using var world = await VaultWorld.StartAsync();
        world.Vault.ClockDifference = TimeSpan.FromMinutes(10);

        Assert.Contains("clock differs", (await world.Open(world.Options()).CheckAsync(Cancel)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RevokeAsync_IsRefused_WhenVaultDidNotStoreTheCertificate()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        options.Stored = true;
        var issuer = world.Open(options);
        var signed = await issuer.IssueAsync(Order(), Cancel);

        await Assert.ThrowsAsync<IssuerRefusedException>(
            () => issuer.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.Superseded), Cancel));
    }

    [Theory]
    [InlineData(200, """{"data":{"revocation_time":1764442452,"state":"revoked"}}""", null)]
    [InlineData(200, """{"warnings":["certificate 39:dd already expired; refusing to add to CRL"]}""", typeof(IssuerRefusedException))]
    [InlineData(200, """{"data":{"revocation_time":0}}""", typeof(IssuerUnavailableException))]
    [InlineData(200, "<html>a proxy's page</html>", typeof(IssuerUnavailableException))]
    [InlineData(204, "", typeof(IssuerUnavailableException))]
    public async Task RevokeAsync_BelievesOnlyAnAnswer_ThatSaysSo(int status, string body, Type? expected)
    {
        await using var world = await VaultWorld.StartAsync();
        var issuer = world.Open(world.Options());
        var signed = await issuer.IssueAsync(Order(), Cancel);
        world.Vault.RevocationAnswer = (status, body);

        var fault = await Record.ExceptionAsync(
            () => issuer.RevokeAsync(new RevocationOrder(signed.CertificateDer, RevocationReason.Superseded), Cancel));

        Assert.Equal(expected, fault?.GetType());
    }

    [Fact]
    public async Task FindAsync_FindsTheCertificate_WhoseAnswerWasLost()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        (options.Stored, options.Role) = (true, "stored");
        var issuer = world.Open(options);
        world.Vault.Trick = VaultTrick.LosesTheAnswer;
        var order = Order();
        await Assert.ThrowsAsync<IssuerOutcomeUnknownException>(() => issuer.IssueAsync(order, Cancel));

        var found = await issuer.FindAsync(order, Cancel);

        Assert.NotNull(found);
        Assert.Null(await issuer.FindAsync(Order(), Cancel));
        var serialNumbers = await issuer.ListSerialNumbersAsync(Cancel);
        Assert.Equal(CertificateFields.Read(found).SerialText, Assert.Single(serialNumbers));
        Assert.Equal(found, await issuer.ReadAsync(serialNumbers[0], Cancel));
        Assert.Null(await issuer.ReadAsync("ABC", Cancel));
    }

    [Fact]
    public async Task IssueAsync_SaysNoSecret_WhateverFails()
    {
        await using var world = await VaultWorld.StartAsync();
        world.Write("role-id", "role-planted-000");
        var said = new StringBuilder();
        foreach (var trick in Enum.GetValues<VaultTrick>())
        {
            world.Vault.Trick = trick;
            var options = world.Options();

            // Only one that never answers is waited for until the time is over; the others are to be heard on a busy machine too.
            options.Timeout = trick is VaultTrick.Silent ? TimeSpan.FromSeconds(1) : options.Timeout;
            var issuer = world.Open(options);
            said.Append(await Record.ExceptionAsync(() => issuer.IssueAsync(Order(), Cancel)));
            said.Append((await issuer.CheckAsync(Cancel)).Detail);
        }

        Assert.Contains("invalid role or secret ID", said.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("planted", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_NamesEveryFault_WhenAllIsWrong()
    {
        var options = new VaultOptions
        {
            Url = new Uri("http://vault.example.net"),
            Mount = "/pki/",
            IssuerRef = "",
            Role = "",
            EllipticRole = "a b",
            Namespace = "/",
            ServerCaFile = "/no/such/ca.pem",
            Timeout = TimeSpan.Zero,
            ConcurrencyMax = 0,
            Login = new VaultLoginOptions { Mount = "/x" },
        };

        var faults = new VaultOptionsValidator().Validate("one", options).Failures!.Select(
            fault => fault.Replace("Property ", "", StringComparison.Ordinal).Split(": ")[0]);

        Assert.Equal(
            ["ConcurrencyMax", "EllipticRole", "IssuerRef", "Login:Mount", "Login:RoleIdFile", "Login:SecretIdFile", "Mount", "Namespace",
                "Role", "ServerCaFile", "Timeout", "Url"],
            faults.Order(StringComparer.Ordinal));
    }

    private static CertificateOrder Order() => CertificateOrders.For(
        "web1.example.net",
        SigningRequests.Elliptic("web1.example.net"),
        new CertificateProfile { Lifetime = TimeSpan.FromDays(7) },
        TimeProvider.System.GetUtcNow());
}

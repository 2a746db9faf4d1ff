using System.Net;
using System.Net.Http.Headers;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.IdentityProvider;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Access tokens of a real provider.</summary>
public sealed class OidcTests(OidcFixture oidc) : IClassFixture<OidcFixture>
{
    private const string Reprovision = "/v1/nodes/web1.example.net:reprovision";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APerson_WhoSignedIn_IsTheActor()
    {
        await using var api = await oidc.StartAsync();
        api.Http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", await AccessTokenAsync("operator", secondFactor: false));

        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync(Reprovision, """{"reason": "x"}""")).StatusCode);

        Assert.StartsWith("operator ", Assert.Single(api.Logs.Of(AuditTrail.Category)));
    }

    [Fact]
    public async Task AProgram_WithItsOwnCredentials_IsLetIn()
    {
        await using var api = await oidc.StartAsync();

        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(await oidc.SignIn.RobotAsync(Cancellation)));
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    public async Task ASecondFactor_IsDemanded_WhereItIsRequired(bool secondFactor, HttpStatusCode status)
    {
        await using var api = await oidc.StartAsync(("Access:Oidc:Issuers:corp:SecondFactorRequired", "true"));

        Assert.Equal(status, await api.StatusAsync(await AccessTokenAsync("operator", secondFactor)));
    }

    [Theory]
    [InlineData("urn:example:mfa", HttpStatusCode.OK)]
    [InlineData("urn:example:password", HttpStatusCode.Unauthorized)]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    public async Task TheContextClass_SaysThatThereWasASecondFactor(string? acr, HttpStatusCode status)
    {
        await using var api = await oidc.StartAsync(
            ("Access:Oidc:Issuers:corp:SecondFactorRequired", "true"), ("Access:Oidc:Issuers:corp:SecondFactorAcr:0", "urn:example:mfa"));
        var token = new ForgedToken(oidc.Provider);
        token.Claims["acr"] = acr;

        Assert.Equal(status, await api.StatusAsync(token.Sign()));
    }

    [Fact]
    public async Task AnIdToken_IsNoAccessToken_AlsoWhereItsTypeAndAudienceAreTaken()
    {
        var answer = await oidc.SignIn.PersonAsync("operator", secondFactor: false, Cancellation);
        await using var api = await oidc.StartAsync(
            ("Access:Oidc:Issuers:corp:TokenTypes:0", "JWT"), ("Access:Oidc:Issuers:corp:Audiences:1", TestClients.CommandLine));

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(answer.GetProperty("id_token").GetString()!));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AKeyThatIsNew_IsFetched_WhenATokenNamesIt(bool keepOld)
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var api = await StartAsync(provider, time);
        var before = new ForgedToken(provider).Sign();
        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(before));

        provider.RotateKeys(keepOld);
        time.Advance(IssuerKeys.PauseMin * 2);

        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(new ForgedToken(provider).Sign()));
        Assert.Equal(keepOld ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, await api.StatusAsync(before));
    }

    [Fact]
    public async Task KeysThatNobodyHas_AreAskedForOnceInAWhile()
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        await using var api = await StartAsync(provider, new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        await api.StatusAsync(new ForgedToken(provider).Sign());
        var asked = provider.KeySetRequests;

        foreach (var number in Enumerable.Range(0, 20))
        {
            var token = new ForgedToken(provider);
            token.Header["kid"] = $"unknown-{number}";
            Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(token.Sign()));
        }

        Assert.Equal(asked, provider.KeySetRequests);
    }

    [Fact]
    public async Task AProviderThatIsAway_IsReplacedByItsLastKeys_UntilTheGraceIsOver()
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var api = await StartAsync(provider, time, ("Access:Oidc:KeysGrace", "08:00:00"));
        await UntilTakenAsync(api, provider, time);
        await provider.StopAsync();

        time.Advance(TimeSpan.FromHours(7.9));
        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(TokenAt(provider, time)));
        await TestKit.Readiness.UntilAsync(
            async _ => (await HealthAsync(api)).Contains("corp is away, its last keys are used until", StringComparison.Ordinal),
            "health says that the provider is away",
            Cancellation);
        Assert.Contains("controlplane_access_keys_age_seconds", await api.GetTextAsync(new Uri(api.HealthUrl, "/metrics").ToString()));

        time.Advance(TimeSpan.FromHours(0.2));
        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(TokenAt(provider, time)));
        Assert.Contains("its tokens are refused", await HealthAsync(api));

        await provider.StartAsync(Cancellation);
        await UntilTakenAsync(api, provider, time);
    }

    [Fact]
    public async Task ASiloThatStarts_WhileTheProviderIsAway_GoesOnWithItsLastKeys_ForTheRestOfTheGrace()
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var register = new MemoryRegister();
        await using (var before = await StartOverAsync(register, provider, time))
        {
            await UntilTakenAsync(before, provider, time);
        }

        await provider.StopAsync();
        time.Advance(TimeSpan.FromHours(7));
        await using var api = await StartOverAsync(register, provider, time);

        await TestKit.Readiness.UntilAsync(
            async _ => await api.StatusAsync(TokenAt(provider, time)) == HttpStatusCode.OK, "the kept keys are used", Cancellation);
        Assert.Contains("corp is away, its last keys are used until", await HealthAsync(api));
        time.Advance(TimeSpan.FromHours(1.1));
        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(TokenAt(provider, time)));
    }

    /// <summary>Whoever can write to the brokers copies what they find there: of another provider, or of another site.</summary>
    [Fact]
    public async Task WhatTheSiteDidNotSeal_IsNoAnswerOfAProvider()
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        await using var another = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var register = new MemoryRegister();
        await using (var before = await StartOverAsync(register, another, time))
        {
            await UntilTakenAsync(before, another, time);
        }

        await provider.StopAsync();
        var kept = await register.ListAsync("identity-providers", Cancellation).SingleAsync(Cancellation);
        await register.WriteAsync("identity-providers", provider.Issuer.ToString(), kept.Content, expected: null, Cancellation);
        await using var api = await StartOverAsync(register, provider, time);

        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(api.Logs.All.Any(line => line.Contains("kept answer", StringComparison.Ordinal))),
            "the planted answer was looked at",
            Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(TokenAt(another, time)));
        Assert.Contains("its tokens are refused", await HealthAsync(api));
    }

    [Fact]
    public async Task WhereTheStoreIsAway_TokensAreTakenAllTheSame_WhileTheProviderAnswers()
    {
        await using var provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancellation);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var register = new MemoryRegister { BeforeAnswer = () => throw new StoreUnavailableException("the brokers are away") };
        await using var api = await StartOverAsync(register, provider, time);

        await UntilTakenAsync(api, provider, time);

        Assert.Equal(0, register.Writes);
        Assert.Contains(api.Logs.All, line => line.Contains("is not kept for silos that start", StringComparison.Ordinal));
    }

    private static Task<ApiHost> StartOverAsync(MemoryRegister register, TestIdentityProvider provider, TimeProvider time) =>
        ApiHost.StartAsync(
            services => services.AddSingleton(time).AddSingleton<IRegister>(register), OidcFixture.SettingsOf(provider));

    private static Task<ApiHost> StartAsync(TestIdentityProvider provider, TimeProvider time, params (string, string)[] settings) =>
        ApiHost.StartAsync(services => services.AddSingleton(time), [.. OidcFixture.SettingsOf(provider), .. settings]).WithKeysAsync();

    // The provider may be slow to answer on a busy machine; it is asked again as soon as it may be.
    private static Task UntilTakenAsync(ApiHost api, TestIdentityProvider provider, FakeTimeProvider time) => TestKit.Readiness.UntilAsync(
        async _ =>
        {
            if (await api.StatusAsync(TokenAt(provider, time)) == HttpStatusCode.OK)
            {
                return true;
            }

            time.Advance(IssuerKeys.PauseMin * 2);
            return false;
        },
        "a sound token is taken",
        Cancellation);

    private static async Task<string> HealthAsync(ApiHost api)
    {
        var health = api.Services.GetRequiredService<HealthCheckService>();
        return (await health.CheckHealthAsync(check => check.Name == "access", Cancellation)).Entries["access"].Description ?? "";
    }

    private static string TokenAt(TestIdentityProvider provider, TimeProvider time)
    {
        var token = new ForgedToken(provider);
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        (token.Claims["iat"], token.Claims["nbf"], token.Claims["exp"]) = (now, now, now + 60);
        return token.Sign();
    }

    private async Task<string> AccessTokenAsync(string user, bool secondFactor) =>
        (await oidc.SignIn.PersonAsync(user, secondFactor, Cancellation)).GetProperty("access_token").GetString()!;
}

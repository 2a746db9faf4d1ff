using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ControlPlane.Access;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class AccessTests : IDisposable
{
    private const string AliceToken = "alice-0123456789abcdefghij";
    private const string BobToken = "bob-0123456789abcdefghijkl";
    private const string Reprovision = "/v1/nodes/web1.example.net:reprovision";
    private const string Body = """{"reason": "x"}""";

    private readonly string _tokenFile = Path.GetTempFileName();

    public AccessTests() => File.WriteAllText(_tokenFile, $"# operators\nalice {AliceToken}\n\nbob   {BobToken}\n");

    public void Dispose() => File.Delete(_tokenFile);

    [Theory]
    [InlineData("/v1/nodes")]
    [InlineData("/v1/nodes/web1.example.net")]
    [InlineData("/v1/overlays")]
    [InlineData("/v1/summary")]
    [InlineData("/metrics")]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    [InlineData("/")]
    [InlineData("/nodes")]
    [InlineData("/nodes/web1.example.net")]
    [InlineData("/no/such/path")]
    public async Task Everything_DemandsAToken_WhenTokensAreConfigured(string path)
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync(path)).StatusCode);
    }

    [Theory]
    [InlineData("/openapi/v1.json")]
    [InlineData("/console/console.css")]
    public async Task WhatTellsNothing_IsOpen(string path)
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync(path)).StatusCode);
    }

    [Theory]
    [InlineData("/livez", HttpStatusCode.OK)]
    [InlineData("/metrics", HttpStatusCode.OK)]
    [InlineData("/", HttpStatusCode.NotFound)]
    [InlineData("/v1/nodes", HttpStatusCode.NotFound)]
    [InlineData("/openapi/v1.json", HttpStatusCode.NotFound)]
    public async Task TheListenerOfHealth_NeedsNoToken_AndServesNothingElse(string path, HttpStatusCode status)
    {
        await using var api = await StartAsync();

        Assert.Equal(status, (await api.GetAsync(new Uri(api.HealthUrl, path).ToString())).StatusCode);
    }

    [Theory]
    [InlineData("Bearer", "alice-0123456789abcdefghi")]
    [InlineData("Bearer", "alice-0123456789abcdefghijk")]
    [InlineData("Bearer", "alice")]
    [InlineData("Bearer", "")]
    [InlineData("Token", AliceToken)]
    public async Task AWrongToken_IsRefused(string scheme, string token)
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"{scheme} {token}");

        await (await api.GetAsync("/v1/nodes")).AssertProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task AToken_NamesTheActor_InTheRequestAndInTheAudit()
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", BobToken);

        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync(Reprovision, Body)).StatusCode);

        Assert.Equal("bob", api.Grains.LastActor);
        Assert.StartsWith(
            "bob ReprovisionNode web1.example.net 202 from 127.0.0.1 trace ", Assert.Single(api.Logs.Of(AuditTrail.Category)));
    }

    [Fact]
    public async Task ADeniedCall_IsAudited_AndDoesNothing()
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await api.PostAsync(Reprovision, Body)).StatusCode);

        Assert.Null(api.Grains.LastReprovision);
        Assert.StartsWith("nobody could not sign in by AccessToken from 127.0.0.1: ", Assert.Single(api.Logs.Of(AuditTrail.Category)));
    }

    [Fact]
    public async Task AFailedCall_IsAudited()
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AliceToken);
        api.Grains.Reprovision = () => throw new InvalidOperationException("a defect");

        await api.PostAsync(Reprovision, Body);

        Assert.StartsWith(
            "alice ReprovisionNode web1.example.net InvalidOperationException ", Assert.Single(api.Logs.Of(AuditTrail.Category)));
    }

    [Fact]
    public async Task Reading_IsNotAudited()
    {
        await using var api = await StartAsync();

        await api.GetAsync("/v1/nodes");

        Assert.Empty(api.Logs.Of(AuditTrail.Category));
    }

    [Fact]
    public async Task NoToken_IsEverLogged()
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AliceToken);

        await api.PostAsync(Reprovision, Body);
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "wrong-but-secret-all-the-same");
        await api.PostAsync(Reprovision, Body);

        Assert.DoesNotContain(api.Logs.All, message => message.Contains(AliceToken) || message.Contains("wrong-but-secret"));
    }

    [Fact]
    public async Task APassword_LetsABrowserRead_AndNoMore()
    {
        await using var api = await StartAsync();
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"whoever:{AliceToken}"));
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", credentials);

        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.PostAsync(Reprovision, Body)).StatusCode);
    }

    [Fact]
    public async Task ABrowser_IsAskedForAPassword()
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Accept.ParseAdd("text/html");

        Assert.Equal("Basic", (await api.GetAsync("/")).Headers.WwwAuthenticate.Single().Scheme);
    }

    [Fact]
    public async Task ATokenFile_IsReadAgain_WhenItChanges()
    {
        // The token is tried until it is good, and no lock is to answer meanwhile.
        await using var api = await StartAsync(("Access:Limits:AddressFailuresMax", "0"));
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "carol-0123456789abcdefghij");
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/v1/nodes")).StatusCode);

        await File.WriteAllTextAsync(_tokenFile, "carol carol-0123456789abcdefghij\n", TestContext.Current.CancellationToken);

        await TestKit.Readiness.UntilAsync(
            async _ => (await api.GetAsync("/v1/nodes")).StatusCode == HttpStatusCode.OK,
            "the new token is taken",
            TestContext.Current.CancellationToken);
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AliceToken);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/v1/nodes")).StatusCode);
    }

    [Fact]
    public async Task TheLastGoodTokens_StayInForce_WhenTheFileBreaks()
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AliceToken);
        await api.GetAsync("/v1/nodes");

        await File.WriteAllTextAsync(_tokenFile, "mallory short\n", TestContext.Current.CancellationToken);

        await TestKit.Readiness.UntilAsync(
            async _ =>
            {
                Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/nodes")).StatusCode);
                return api.Logs.Of(typeof(AccessTokens).FullName!).Any(message => message.Contains(":1:"));
            },
            "the fault is logged",
            TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("127.0.0.1:8780", HttpStatusCode.OK)]
    [InlineData("[::1]:8780", HttpStatusCode.OK)]
    [InlineData("attacker.example", HttpStatusCode.Unauthorized)]
    [InlineData("192.0.2.1", HttpStatusCode.Unauthorized)]
    public async Task WithoutTokens_OnlyItsOwnNamesAreServed(string host, HttpStatusCode status)
    {
        await using var api = await ApiHost.StartAsync();
        api.Http.DefaultRequestHeaders.Host = host;

        Assert.Equal(status, (await api.GetAsync("/v1/nodes")).StatusCode);
    }

    [Theory]
    [InlineData("cross-site", HttpStatusCode.Unauthorized)]
    [InlineData("same-site", HttpStatusCode.Unauthorized)]
    [InlineData("same-origin", HttpStatusCode.Accepted)]
    public async Task WithoutTokens_APageOfAnotherSiteChangesNothing(string site, HttpStatusCode status)
    {
        await using var api = await ApiHost.StartAsync();
        api.Http.DefaultRequestHeaders.Add("Sec-Fetch-Site", site);

        Assert.Equal(status, (await api.PostAsync(Reprovision, Body)).StatusCode);
    }

    private Task<ApiHost> StartAsync(params (string, string)[] settings) =>
        ApiHost.StartAsync([.. settings, ("Access:Tokens:Files:0", _tokenFile)]);
}

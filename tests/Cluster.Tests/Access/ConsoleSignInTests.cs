using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>People who sign in at the console by a browser, and whoever would like to be in their place.</summary>
public sealed class ConsoleSignInTests(ConsoleFixture console) : IClassFixture<ConsoleFixture>
{
    private const string Reprovision = "/v1/nodes/web1.example.net:reprovision";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APerson_IsSentToTheProvider_AndComesBackToThePageTheyAskedFor()
    {
        await using var api = await console.StartAsync();
        using var browser = console.Open(api);

        using var answer = await browser.SignInAsync("operator", "/nodes?state=silent", secondFactor: true);

        var page = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("""content="0;url=/nodes?state=silent">""", page, StringComparison.Ordinal);
        var who = await browser.Http.GetFromJsonAsync<JsonElement>("/v1/access/whoami", Cancel);
        Assert.Equal(("operator", "oidc"), (who.GetProperty("principal").GetString(), who.GetProperty("method").GetString()));
        Assert.Equal(2, who.GetProperty("groups").GetArrayLength());
        Assert.NotNull(who.GetProperty("secondFactorAt").GetString());
        Assert.Equal(HttpStatusCode.OK, (await browser.GetPageAsync("/")).StatusCode);
    }

    [Fact]
    public async Task TheCookie_IsForThisSiteAlone_AndForNoScript()
    {
        await using var api = await console.StartAsync();
        using var browser = console.Open(api);

        using var answer = await browser.SignInAsync("viewer");

        var cookie = Assert.Single(
            answer.Headers.GetValues("Set-Cookie"), one => one.StartsWith("controlplane-session=", StringComparison.Ordinal));
        Assert.Contains("samesite=strict", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.Ordinal);
        Assert.Contains("path=/;", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("expires", cookie, StringComparison.Ordinal);
        Assert.Equal(RedisSessions.IdLength, browser.Session!.Length);
    }

    [Fact]
    public async Task ASignIn_BeginsASessionOfItsOwn_WhateverCookieWasPlantedBefore()
    {
        await using var api = await console.StartAsync();
        using var attacker = console.Open(api);
        using var victim = console.Open(api);
        await attacker.SignInAsync("viewer");
        victim.Session = attacker.Session;

        await victim.SignInAsync("approver", "/access/sign-in?back=/nodes");

        Assert.NotEqual(attacker.Session, victim.Session);
        Assert.Equal(HttpStatusCode.Unauthorized, await attacker.StatusAsync());
        Assert.Contains("approver", await victim.Http.GetStringAsync("/v1/access/whoami", Cancel), StringComparison.Ordinal);

        using var chosen = console.Open(api);
        chosen.Session = new string('A', RedisSessions.IdLength);
        await chosen.SignInAsync("viewer");
        Assert.NotEqual(new string('A', RedisSessions.IdLength), chosen.Session);
    }

    [Fact]
    public async Task AChange_IsRefused_WithoutTheAntiforgeryTokenOfThatSession()
    {
        await using var api = await console.StartAsync();
        using var browser = console.Open(api);
        using var other = console.Open(api);
        await browser.SignInAsync("operator");
        await other.SignInAsync("viewer");
        var foreign = await other.AntiforgeryAsync();

        foreach (var token in (string?[])[null, "", foreign, new string('0', 64)])
        {
            using var refused = await browser.PostAsync(Reprovision, Reason(), token);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        Assert.DoesNotContain(api.Logs.Of(AuditTrail.Category), line => line.StartsWith("operator ", StringComparison.Ordinal)
            && line.Contains("reprovision", StringComparison.OrdinalIgnoreCase));
        using var done = await browser.PostAsync(Reprovision, Reason(), await browser.AntiforgeryAsync());
        Assert.Equal(HttpStatusCode.Accepted, done.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await browser.StatusAsync());
    }

    [Fact]
    public async Task SigningOut_EndsTheSessionHere_AndLeadsOnToTheProvider()
    {
        await using var api = await console.StartAsync();
        using var browser = console.Open(api);
        await browser.SignInAsync("operator");
        var stolen = browser.Session;
        using var forged = new FormUrlEncodedContent([]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.PostAsync("/access/sign-out", forged)).StatusCode);

        using var form = new FormUrlEncodedContent([new(Antiforgery.Field, await browser.AntiforgeryAsync())]);
        using var answer = await browser.PostAsync("/access/sign-out", form);

        var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(Cancel));
        Assert.Contains("/connect/endsession?", page, StringComparison.Ordinal);
        Assert.Contains("id_token_hint=", page, StringComparison.Ordinal);
        browser.Session = stolen;
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync());
        Assert.Contains(api.Logs.Of(AuditTrail.Category), line => line.Contains("SignOut", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ASession_EndsAfterItsLifetime()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var api = await console.StartAsync(time, ("Access:SignIn:SessionLifetime", "00:30:00"));
        using var browser = console.Open(api);
        await browser.SignInAsync("operator");

        time.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(HttpStatusCode.OK, await browser.StatusAsync());

        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync());
    }

    [Fact]
    public async Task WhatTheProviderSentToAnotherBrowser_SignsNobodyIn()
    {
        await using var api = await console.StartAsync();
        using var attacker = console.Open(api);
        using var victim = console.Open(api);
        var back = await attacker.GoToProviderAsync("viewer");

        foreach (var path in (string[])[back.PathAndQuery, "/access/signed-in?code=x&state=y", "/access/signed-in?error=access_denied"])
        {
            using var answer = await victim.GetPageAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        Assert.Null(victim.Session);
        Assert.Equal(HttpStatusCode.Unauthorized, await victim.StatusAsync());
    }

    [Fact]
    public async Task Sessions_InRedis_AreSealed_EachForItsPlace()
    {
        await using var api = await console.StartAsync();
        using var viewer = console.Open(api);
        using var approver = console.Open(api);
        var redis = console.Sessions.GetDatabase();
        foreach (var server in console.Sessions.GetServers())
        {
            await server.FlushAllDatabasesAsync();
        }

        await viewer.SignInAsync("viewer");
        var low = Assert.Single(Places());
        await approver.SignInAsync("approver");
        var high = Assert.Single(Places(), place => place != low);

        var kept = (byte[])(await redis.StringGetAsync(high))!;
        Assert.DoesNotContain("approver", Encoding.UTF8.GetString(kept), StringComparison.Ordinal);
        Assert.DoesNotContain(viewer.Session!, low.ToString(), StringComparison.Ordinal);
        Assert.True(await redis.KeyTimeToLiveAsync(high) <= TimeSpan.FromHours(8));

        // Whoever writes to Redis cannot make one session another.
        await redis.StringSetAsync(low, kept);
        Assert.Equal(HttpStatusCode.Unauthorized, await viewer.StatusAsync());

        List<RedisKey> Places() => [.. console.Sessions.GetServers()[0].Keys(pattern: "sessions:*")];
    }

    [Fact]
    public async Task SomebodyElsesSession_IsListedAndEnded_AndTheOthersGoOn()
    {
        await using var api = await console.StartAsync();
        using var operators = console.Open(api);
        using var stolen = console.Open(api);
        using var viewer = console.Open(api);
        await operators.SignInAsync("operator");
        await viewer.SignInAsync("viewer", secondFactor: true);

        // When they began is known to the second: the stolen one is the one that was not there before.
        var before = (await ListAsync()).Select(session => session.GetProperty("id").GetString()).ToHashSet();
        await stolen.SignInAsync("operator");

        var listed = await ListAsync();
        Assert.DoesNotContain(listed, session => session.GetProperty("id").GetString() == stolen.Session);
        Assert.Contains(listed, session => session.GetProperty("principal").GetString() == "viewer"
            && session.GetProperty("secondFactorAt").ValueKind == JsonValueKind.String);
        var own = Assert.Single(listed, session => !before.Contains(session.GetProperty("id").GetString()));

        using var ended = await viewer.PostAsync(
            $"/v1/access/sessions/{own.GetProperty("id").GetString()}:end", Reason(), await viewer.AntiforgeryAsync());
        Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await stolen.StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await operators.StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await viewer.StatusAsync());

        using var again = await viewer.PostAsync(
            $"/v1/access/sessions/{own.GetProperty("id").GetString()}:end", Reason(), await viewer.AntiforgeryAsync());
        await again.AssertProblemAsync(HttpStatusCode.NotFound, "unknown-session");

        async Task<List<JsonElement>> ListAsync() =>
            [.. (await operators.Http.GetFromJsonAsync<JsonElement>("/v1/access/sessions?limit=1000", Cancel))
                .GetProperty("sessions").EnumerateArray()];
    }

    [Fact]
    public async Task TheCommand_EndsAllSessionsOfAPerson_AndNobodyElses()
    {
        var tokens = Path.GetTempFileName();
        await File.WriteAllTextAsync(tokens, "ci 0123456789abcdefghijklmnop\n", Cancel);
        var token = Path.GetTempFileName();
        await File.WriteAllTextAsync(token, "0123456789abcdefghijklmnop", Cancel);
        await using var api = await console.StartAsync(time: null, ("Access:Tokens:Files:0", tokens));
        using var one = console.Open(api);
        using var two = console.Open(api);
        using var viewer = console.Open(api);
        await one.SignInAsync("approver");
        await two.SignInAsync("approver");
        await viewer.SignInAsync("viewer");
        string[] where = ["--url", api.Url.ToString(), "--token-file", token];

        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(ExitCodes.Refused, await CommandLine.RunAsync(["access", "sessions", "end", .. where], output, error));
        Assert.Contains("--principal", error.ToString(), StringComparison.Ordinal);
        string[] end = ["access", "sessions", "end", "--principal", "approver", "--reason", "left", .. where];
        Assert.Equal(ExitCodes.Done, await CommandLine.RunAsync(end, output, error));

        Assert.Equal(HttpStatusCode.Unauthorized, await one.StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await two.StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await viewer.StatusAsync());
        Assert.Equal(ExitCodes.Done, await CommandLine.RunAsync(["access", "sessions", "list", .. where], output, error));
        Assert.Contains("viewer", output.ToString(), StringComparison.Ordinal);
        File.Delete(tokens);
        File.Delete(token);
    }

    [Fact]
    public async Task Sessions_AreListedPageByPage_UntilTheirEnd()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var api = await console.StartAsync(time, ("Access:SignIn:SessionLifetime", "00:30:00"));
        foreach (var server in console.Sessions.GetServers())
        {
            await server.FlushAllDatabasesAsync();
        }

        using var browser = console.Open(api);
        using var another = console.Open(api);
        await browser.SignInAsync("operator");
        await another.SignInAsync("viewer");

        var first = await browser.Http.GetFromJsonAsync<JsonElement>("/v1/access/sessions?limit=1", Cancel);
        var cursor = first.GetProperty("nextCursor").GetString();
        var second = await browser.Http.GetFromJsonAsync<JsonElement>($"/v1/access/sessions?limit=1&cursor={cursor}", Cancel);
        Assert.Equal(
            ["operator", "viewer"],
            first.GetProperty("sessions").EnumerateArray().Concat(second.GetProperty("sessions").EnumerateArray())
                .Select(session => session.GetProperty("principal").GetString()!).Order());
        Assert.Equal(JsonValueKind.Null, second.GetProperty("nextCursor").ValueKind);

        time.Advance(TimeSpan.FromMinutes(31));
        Assert.Empty((await api.Services.GetRequiredService<RedisSessions>().ListAsync(after: null, 10)).Sessions);
        Assert.Equal(0, await console.Sessions.GetDatabase().SortedSetLengthAsync("session-names"));
    }

    [Fact]
    public async Task Programs_AreToldWhereToSignIn()
    {
        await using var api = await console.StartAsync();

        var hint = await api.Http.GetFromJsonAsync<JsonElement>("/v1/access/sign-in", Cancel);

        Assert.Equal("controlplane-cli", hint.GetProperty("clientId").GetString());
        Assert.Equal(
            ["openid", "profile", "offline_access"], hint.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()!));
    }

    private static StringContent Reason() => new("""{"reason": "x"}""", Encoding.UTF8, "application/json");
}

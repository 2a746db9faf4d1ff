using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.IdentityProvider;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary><c>controlplane login|logout|whoami</c>, at a real provider.</summary>
public sealed class LoginCommandTests : IClassFixture<OidcFixture>, IDisposable
{
    private const string ConfigHome = "XDG_CONFIG_HOME";

    private readonly OidcFixture oidc;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-login-");
    private readonly string? before = Environment.GetEnvironmentVariable(ConfigHome);

    public LoginCommandTests(OidcFixture oidc)
    {
        this.oidc = oidc;
        Environment.SetEnvironmentVariable(ConfigHome, folder.FullName);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(ConfigHome, before);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Login_ByACode_KeepsTheSignIn_ForTheOtherCommands_UntilLogout()
    {
        await using var api = await StartAsync();
        Assert.Equal(ExitCodes.Refused, (await RunAsync(api, "whoami")).Code);

        using var login = Start(api, "login");
        var code = await login.SaysAsync("(?:code) ([A-Z0-9-]+)");
        await oidc.SignIn.ApproveAsync(code, "operator", secondFactor: true, Cancel);

        var (exit, output) = await login.EndAsync();
        Assert.True(exit == ExitCodes.Done, output);
        Assert.Contains("signed in as:  operator", output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FileOf(api)));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(FileOf(api))!));
        var who = await RunAsync(api, "whoami");
        Assert.Equal(ExitCodes.Done, who.Code);
        Assert.Contains("operator", who.Output, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, (await RunAsync(api, "logout")).Code);
        Assert.False(File.Exists(FileOf(api)));
        Assert.Equal(ExitCodes.Refused, (await RunAsync(api, "whoami")).Code);
    }

    [Fact]
    public async Task Logout_RevokesAtTheProvider_WhatCouldRenewTheSignIn()
    {
        await using var api = await StartAsync();
        var signIn = await KeepAsync(api, "approver");

        var (code, output, error) = await RunAsync(api, "logout");

        Assert.Equal(ExitCodes.Done, code);
        Assert.Contains("signed out of", output, StringComparison.Ordinal);
        Assert.DoesNotContain("was not told", error, StringComparison.Ordinal);
        Assert.Contains("invalid_grant", await RenewAsync(signIn), StringComparison.Ordinal);
        Assert.Contains("access_token", await RenewAsync(await KeepAsync(api, "approver")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_ByABrowser_TakesWhatItAskedFor_AndNothingElse()
    {
        await using var api = await StartAsync();
        using var login = Start(api, "login", "--browser");
        var page = new Uri(await login.SaysAsync(@"open (http\S+)"));
        var back = await oidc.SignIn.SubmitAsync(page, "viewer", secondFactor: false, Cancel);
        using var browser = new HttpClient();

        using var forged = await browser.GetAsync(new Uri(back.GetLeftPart(UriPartial.Path) + "?code=x&state=y"), Cancel);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, forged.StatusCode);
        using var closed = await browser.GetAsync(back, Cancel);

        Assert.Contains("close this page", await closed.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        var (exit, output) = await login.EndAsync();
        Assert.True(exit == ExitCodes.Done, output);
        Assert.Contains("viewer", (await RunAsync(api, "whoami")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASignInThatEnded_IsRenewed_ByItsRefreshToken()
    {
        await using var api = await StartAsync();
        var old = await KeepAsync(api, "approver");
        Change(api, kept => kept["expiresAt"] = "2020-01-01T00:00:00Z");

        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(api, "whoami")));

        Assert.All(all, who => Assert.Contains("approver", who.Output, StringComparison.Ordinal));
        var renewed = new KeptSignIns(Path.Combine(folder.FullName, "controlplane")).Find(api.Url)!;
        Assert.NotEqual(old.AccessToken, renewed.AccessToken);
        Assert.True(renewed.ExpiresAt > TimeProvider.System.GetUtcNow());
    }

    [Theory]
    [InlineData("forged")]
    [InlineData(null)]
    public async Task ASignInThatCannotBeRenewed_IsSaidToHaveEnded(string? refresh)
    {
        await using var api = await StartAsync();
        await KeepAsync(api, "approver");
        Change(api, kept => (kept["expiresAt"], kept["refreshToken"]) = ("2020-01-01T00:00:00Z", refresh));

        var (code, _, error) = await RunAsync(api, "whoami");

        Assert.Equal(ExitCodes.Refused, code);
        Assert.Contains("has ended: run controlplane login", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_Says_WhenTheControlPlaneNamesNoProvider()
    {
        await using var api = await oidc.StartAsync();

        var (code, _, error) = await RunAsync(api, "login");

        Assert.Equal(ExitCodes.Refused, code);
        Assert.Contains("names no identity provider for programs (Access:SignIn)", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8781/")]
    [InlineData("https://127.0.0.1:8780/")]
    [InlineData("http://127.0.0.2:8780/")]
    public void WhatIsKept_IsShownToNobodyElse(string other)
    {
        var kept = new KeptSignIns(folder.FullName);
        var url = new Uri("http://127.0.0.1:8780/");
        kept.Keep(new KeptSignIn(url, new SignInHint("https://id.example.net", "cli", ["openid"]), "token", null, null));
        Assert.Equal("token", kept.Find(url)?.AccessToken);

        Assert.Null(kept.Find(new Uri(other)));
        File.Move(kept.FileOf(url), kept.FileOf(new Uri(other)));
        Assert.Null(kept.Find(new Uri(other)));
    }

    private Task<ApiHost> StartAsync() => oidc.StartAsync(
        ("Access:SignIn:CommandLineClientId", TestClients.CommandLine),
        ("Access:SignIn:Scopes:0", "openid"), ("Access:SignIn:Scopes:1", "groups"), ("Access:SignIn:Scopes:2", TestClients.Audience));

    private string FileOf(ApiHost api) => new KeptSignIns(Path.Combine(folder.FullName, "controlplane")).FileOf(api.Url);

    private async Task<KeptSignIn> KeepAsync(ApiHost api, string user)
    {
        var person = await oidc.SignIn.PersonAsync(user, secondFactor: false, Cancel);
        var signIn = new KeptSignIn(
            api.Url,
            new SignInHint(oidc.Provider.Issuer.ToString(), TestClients.CommandLine, ["openid"]),
            person.GetProperty("access_token").GetString()!,
            TimeProvider.System.GetUtcNow().AddMinutes(10),
            person.GetProperty("refresh_token").GetString());
        new KeptSignIns(Path.Combine(folder.FullName, "controlplane")).Keep(signIn);
        return signIn;
    }

    private async Task<string> RenewAsync(KeptSignIn signIn)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(
        [
            new("grant_type", "refresh_token"), new("refresh_token", signIn.RefreshToken!), new("client_id", TestClients.CommandLine),
        ]);
        using var answer = await http.PostAsync(new Uri(oidc.Provider.Issuer, "connect/token"), form, Cancel);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private void Change(ApiHost api, Action<JsonObject> change)
    {
        var kept = JsonNode.Parse(File.ReadAllText(FileOf(api)))!.AsObject();
        change(kept);
        File.WriteAllText(FileOf(api), kept.ToJsonString());
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(ApiHost api, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.RunAsync([.. args, "--url", api.Url.ToString()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static RunningCommand Start(ApiHost api, params string[] args) => new([.. args, "--url", api.Url.ToString()]);
}

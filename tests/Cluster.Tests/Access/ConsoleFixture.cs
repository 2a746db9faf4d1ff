using System.Net;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Hosting;
using ControlPlane.IdentityProvider;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A provider that knows a console, a Redis for its sessions, and consoles at that address.</summary>
public sealed class ConsoleFixture : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-console-");
    private readonly int port = LoopbackPort.Free();
    private RedisServer redis = null!;
    private TestIdentityProvider provider = null!;

    internal IConnectionMultiplexer Sessions { get; private set; } = null!;

    internal TestSignIn SignIn { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        redis = await RedisServer.StartAsync(cancellation);
        Sessions = await ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},allowAdmin=true");
        provider = await TestIdentityProvider.StartAsync(
            new IdentityProviderSettings { Consoles = [new Uri($"http://127.0.0.1:{port}")] }, cancellation);
        SignIn = new TestSignIn(provider);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "client-secret"), TestClients.Secret, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        SignIn.Dispose();
        await provider.DisposeAsync();
        await Sessions.DisposeAsync();
        await redis.DisposeAsync();
        folder.Delete(recursive: true);
    }

    /// <summary>A console; its address is the second one that it listens at. Only one at a time.</summary>
    internal Task<ApiHost> StartAsync(TimeProvider? time = null, params (string, string)[] settings) => ApiHost.StartAsync(
        services =>
        {
            services.AddSingleton(Sessions);
            services.Configure<SiloHostOptions>(silo => silo.SecretFile = Path.Combine(folder.FullName, "silo-secret"));
            if (time is not null)
            {
                services.AddSingleton(time);
            }
        },
        [
            .. OidcFixture.SettingsOf(provider),
            ("Api:Listen:1", $"http://127.0.0.1:{port}"),
            ("Access:SignIn:ConsoleClientId", TestClients.Console),
            ("Access:SignIn:ConsoleClientSecretFile", Path.Combine(folder.FullName, "client-secret")),
            ("Access:SignIn:CommandLineClientId", TestClients.CommandLine),
            .. settings,
        ]).WithKeysAsync();

    internal Browser Open(ApiHost api) => new(api.Urls[1], SignIn);
}

/// <summary>A browser at a console: keeps cookies, follows nothing by itself.</summary>
internal sealed class Browser(Uri console, TestSignIn provider) : IDisposable
{
    private readonly CookieContainer cookies = new();
    private HttpClient? http;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public HttpClient Http => http ??= new HttpClient(
        new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = cookies }) { BaseAddress = console };

    /// <summary>The session's cookie; null without one. Set by who plants one.</summary>
    public string? Session
    {
        get => cookies.GetCookies(console)["controlplane-session"]?.Value;
        set => cookies.Add(console, new Cookie("controlplane-session", value));
    }

    public async Task<HttpResponseMessage> GetPageAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html");
        return await Http.SendAsync(request, Cancel);
    }

    /// <summary>Goes to a page, and signs in where that leads.</summary>
    /// <returns>What the console answers when the provider sends the browser back.</returns>
    public async Task<HttpResponseMessage> SignInAsync(string user, string path = "/", bool secondFactor = false)
    {
        var answer = await GetPageAsync((await GoToProviderAsync(user, path, secondFactor)).PathAndQuery);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Cancel));
        return answer;
    }

    /// <summary>Signs in at the provider.</summary>
    /// <returns>Where it sends the browser.</returns>
    public async Task<Uri> GoToProviderAsync(string user, string path = "/", bool secondFactor = false)
    {
        using var sent = await GetPageAsync(path);
        Assert.Equal(HttpStatusCode.Found, sent.StatusCode);
        return await provider.SubmitAsync(sent.Headers.Location!, user, secondFactor, Cancel);
    }

    public async Task<HttpStatusCode> StatusAsync(string path = "/v1/access/whoami") => (await Http.GetAsync(path, Cancel)).StatusCode;

    /// <summary>The anti-forgery token of the page that has the form to sign out.</summary>
    public async Task<string> AntiforgeryAsync()
    {
        var page = await Http.GetStringAsync("/access/self", Cancel);
        return System.Text.RegularExpressions.Regex.Match(page, "name=\"antiforgery\" value=\"([0-9a-f]{64})\"").Groups[1].Value;
    }

    public async Task<HttpResponseMessage> PostAsync(string path, HttpContent? content, string? antiforgery = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (antiforgery is not null)
        {
            request.Headers.Add(Antiforgery.Header, antiforgery);
        }

        return await Http.SendAsync(request, Cancel);
    }

    public void Dispose() => http?.Dispose();
}

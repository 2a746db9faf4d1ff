using System.Collections.Concurrent;
using System.Net;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Fleet;
using ControlPlane.Health;
using ControlPlane.Hosting;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>The silo's API, console and access on a real port of loopback, over <see cref="FakeGrains"/>.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, FakeGrains grains, RecordedLogs logs, MemoryLog audit)
    {
        _app = app;
        Grains = grains;
        Logs = logs;
        Audit = audit;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Urls = [.. addresses.Select(one => new Uri(one))];
        Http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = Url };
    }

    public FakeGrains Grains { get; }

    public RecordedLogs Logs { get; }

    /// <summary>Where calls are recorded.</summary>
    public MemoryLog Audit { get; }

    public Uri Url => Urls[0];

    public IServiceProvider Services => _app.Services;

    /// <summary>Where it listens, in the order of <c>Api:Listen</c>.</summary>
    public IReadOnlyList<Uri> Urls { get; }

    public Uri HealthUrl => Urls[^1];

    public HttpClient Http { get; }

    /// <summary>What is mapped.</summary>
    public IEnumerable<Endpoint> Endpoints => ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints);

    public static Task<ApiHost> StartAsync(params (string Key, string Value)[] settings) => StartAsync(_ => { }, settings);

    public static async Task<ApiHost> StartAsync(Action<IServiceCollection> configure, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "controlplane" });
        builder.Configuration.AddInMemoryCollection(
            settings.Concat([("Api:Listen:0", "http://127.0.0.1:0"), ("Health:Listen:0", "http://127.0.0.1:0")]).Concat(PolicyFor(settings))
                .ToDictionary(one => one.Item1, one => (string?)one.Item2));

        var grains = new FakeGrains();
        var logs = new RecordedLogs();
        builder.Services.AddSingleton(grains.Factory);
        builder.Services.AddSingleton<INodeChangeFeed>(grains.Feed);
        builder.Services.AddSingleton<IAgentDdls>(grains.Ddls);
        builder.Services.AddSingleton(new Locality(FakeGrains.Region, FakeGrains.Overlay));
        var log = new MemoryLog();
        builder.Services.AddKeyedSingleton<ILog>(ControlPlane.Store.Logs.Audit, log);
        builder.Services.AddSingleton<IRegister>(new MemoryRegister());
        builder.Services.Configure<SiloHostOptions>(silo => silo.SecretFile = Path.Combine(AppContext.BaseDirectory, "silo-secret"));
        builder.Logging.AddProvider(logs);
        configure(builder.Services);
        builder.AddTelemetry().AddAccess().AddApi().AddReadiness();

        var app = builder.Build().MapControlPlane();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ApiHost(app, grains, logs, log);
    }

    // Callers who sign in may do nothing without a policy; tests that are about signing in let them do everything.
    private static IEnumerable<(string Key, string Value)> PolicyFor((string Key, string Value)[] settings)
    {
        string[] ways = ["Access:Oidc:", "Access:Certificates:", "Access:Choria:"];
        var isNeeded = settings.Any(setting => ways.Any(way => setting.Key.StartsWith(way, StringComparison.Ordinal)))
            && settings.All(setting => setting.Key != "Access:Policy:File");
        return isNeeded ? [("Access:Policy:File", EverythingToEverybody.Value)] : [];
    }

    private static readonly Lazy<string> EverythingToEverybody = new(() =>
    {
        var path = Path.Combine(AppContext.BaseDirectory, "everything-to-everybody.yaml");
        File.WriteAllText(path, """
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { all: [{ permissions: ["*"] }] }
            grants: [{ role: all, principals: ["*"] }]
            """);
        return path;
    });

    public Task<HttpResponseMessage> GetAsync(string path) => Http.GetAsync(path, TestContext.Current.CancellationToken);

    public async Task<string> GetTextAsync(string path) =>
        await (await GetAsync(path)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    public Task<HttpResponseMessage> PostAsync(string path, string body, string contentType = "application/json") =>
        Http.PostAsync(path, new StringContent(body, Encoding.UTF8, contentType), TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordedLogs : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, string Message)> _entries = new();

    public IEnumerable<string> Of(string category) => _entries.Where(entry => entry.Category == category).Select(entry => entry.Message);

    public IEnumerable<string> All => _entries.Select(entry => entry.Message);

    public ILogger CreateLogger(string categoryName) => new Recorder(categoryName, _entries);

    public void Dispose()
    {
    }

    private sealed class Recorder(string category, ConcurrentQueue<(string, string)> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue((category, formatter(state, exception)));
    }
}

/// <summary>Reading answers.</summary>
internal static class Answers
{
    public static async Task<System.Text.Json.JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return System.Text.Json.JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Holds an answer to be the problem that it should be.</summary>
    public static async Task AssertProblemAsync(this HttpResponseMessage response, HttpStatusCode status, string name)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(Problems.TypePrefix + name, (await response.JsonAsync()).GetProperty("type").GetString());
    }
}

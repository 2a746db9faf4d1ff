using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>What Prometheus reads, and what a collector is sent.</summary>
public sealed class TelemetryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Durations_AreToldApart_FromAMicrosecondToMinutes()
    {
        using var meter = new Meter("ControlPlane.TelemetryTests");
        await using var api = await ApiHost.StartAsync();
        meter.CreateHistogram<double>("controlplane.test.duration", "s").Record(100);

        var text = await ReadMetricsAsync(api);

        Assert.Matches("""controlplane_test_duration_seconds_bucket\{[^}]*le="60(\.0)?"\} 0""", text);
        Assert.Matches("""controlplane_test_duration_seconds_bucket\{[^}]*le="120(\.0)?"\} 1""", text);
        Assert.Contains("""le="1E-06""", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task WhatRuns_IsNamed_WithItsVersionAndSite()
    {
        await using var api = await ApiHost.StartAsync();

        var text = await ReadMetricsAsync(api);

        Assert.Matches("""controlplane_build_info\{[^}]*version="0\.1\.0[^"]*"[^}]*\} 1""", text);
        Assert.Matches("""target_info\{[^}]*service_name="controlplane"[^}]*\} 1""", text);
        Assert.Matches($$"""target_info\{[^}]*controlplane_overlay="{{FakeGrains.Overlay}}"[^}]*\} 1""", text);
    }

    [Fact]
    public async Task ACollector_IsSentTracesMetricsAndLogs()
    {
        await using var collector = await Collector.StartAsync();
        await using (var api = await ApiHost.StartAsync(
            ("Telemetry:OtlpEndpoint", $"{collector.Url}"), ("Telemetry:TraceShare", "1")))
        {
            (await api.GetAsync("/v1/summary")).EnsureSuccessStatusCode();
        }

        // Sent at the latest when the silo stops.
        Assert.Equal(["/v1/logs", "/v1/metrics", "/v1/traces"], collector.Paths.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("v1/summary", collector.Paths["/v1/traces"], StringComparison.Ordinal);
        Assert.All(collector.Paths.Values, body => Assert.Contains("controlplane.overlay", body, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Telemetry:OtlpEndpoint", "collector:4318")]
    [InlineData("Telemetry:OtlpEndpoint", "http://collector:4318/v1/traces")]
    [InlineData("Telemetry:TraceShare", "2")]
    public async Task AValueThatCannotBe_IsAFault(string key, string value)
    {
        var fault = await Assert.ThrowsAnyAsync<Exception>(() => ApiHost.StartAsync((key, value)));

        Assert.Contains(key.Split(':')[1], $"{fault}", StringComparison.Ordinal);
    }

    private static async Task<string> ReadMetricsAsync(ApiHost api)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(api.HealthUrl, "/metrics"));
        request.Headers.Accept.ParseAdd("application/openmetrics-text; version=1.0.0");
        using var answer = await api.Http.SendAsync(request, Token);
        return await answer.Content.ReadAsStringAsync(Token);
    }

    /// <summary>What speaks OTLP over HTTP, as far as keeping what it gets.</summary>
    private sealed class Collector(WebApplication app, ConcurrentDictionary<string, string> paths) : IAsyncDisposable
    {
        public ConcurrentDictionary<string, string> Paths => paths;

        public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        public static async Task<Collector> StartAsync()
        {
            var paths = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
                paths.AddOrUpdate($"{context.Request.Path}", Text, (_, before) => before + Text(""));
                context.Response.ContentType = "application/x-protobuf";

                string Text(string path) => Encoding.Latin1.GetString(body.ToArray());
            });
            await app.StartAsync(Token);
            return new Collector(app, paths);
        }

        public async ValueTask DisposeAsync()
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
        }
    }
}

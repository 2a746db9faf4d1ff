using ControlPlane.Api;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace ControlPlane.Hosting;

/// <summary>What is measured, for Prometheus at <c>/metrics</c>. <c>docs/METRICS.md</c> lists what is ours.</summary>
internal static class Metrics
{
    public static WebApplicationBuilder AddMetrics(this WebApplicationBuilder builder)
    {
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter("ControlPlane.*", "Microsoft.Orleans", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
            .AddRuntimeInstrumentation()
            .AddPrometheusExporter());
        return builder;
    }

    public static WebApplication MapMetrics(this WebApplication app)
    {
        var metrics = app.MapPrometheusScrapingEndpoint("/metrics");
        if (app.Services.GetRequiredService<IOptions<ApiOptions>>().Value.MetricsOpen)
        {
            metrics.AllowAnonymous();
        }

        return app;
    }
}

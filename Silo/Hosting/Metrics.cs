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
}

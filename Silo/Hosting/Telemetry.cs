using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ControlPlane.Hosting;

/// <summary>
/// What is measured, for Prometheus at <c>/metrics</c>, and what an OTLP collector gets besides: <see cref="TelemetryOptions"/>.
/// <c>docs/METRICS.md</c> lists what is ours.
/// </summary>
internal static class Telemetry
{
    private const string Service = "controlplane";

    // From what a grain takes in memory to what an enrolment may take: by default everything above 10 s is one, and below 5 ms too.
    private static readonly double[] SecondsBounds =
    [
        1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
        1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300,
    ];

    private static readonly string Version = typeof(Telemetry).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public static WebApplicationBuilder AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<TelemetryOptions>, TelemetryOptionsValidator>();
        builder.Services.AddOptions<TelemetryOptions>().BindConfiguration(TelemetryOptions.Section).ValidateOnStart();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(Service, serviceVersion: Version, autoGenerateServiceInstanceId: false)
                .AddDetector(services => new SiteAttributes(services)))
            .WithMetrics(metrics => metrics
                .AddMeter("ControlPlane.*", "Microsoft.Orleans", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                .AddRuntimeInstrumentation()
                .AddInstrumentation(() => new BuildMeter())
                .AddView(BoundsOf)
                .AddPrometheusExporter());
        if (FindCollector(builder.Configuration) is { } collector)
        {
            var options = OptionsOf(builder.Configuration);
            telemetry.WithLogging().WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TraceShare)))
                .AddSource("ControlPlane.*", "Microsoft.Orleans.*", "NATS.Net")
                .AddAspNetCoreInstrumentation()
                .AddRedisInstrumentation());
            telemetry.UseOtlpExporter(options.OtlpProtocol, collector);
        }

        return builder;
    }

    /// <summary>Carries traces through calls of grains; only where traces are sent, since it costs every call.</summary>
    public static ISiloBuilder AddTraceContext(this ISiloBuilder silo) =>
        FindCollector(silo.Configuration) is null ? silo : silo.AddActivityPropagation();

    // Read here, before there are services: what is added depends on it. What is wrong in it is said at the start, by its validator.
    private static TelemetryOptions OptionsOf(IConfiguration configuration) =>
        configuration.GetSection(TelemetryOptions.Section).Get<TelemetryOptions>() ?? new TelemetryOptions();

    private static Uri? FindCollector(IConfiguration configuration) =>
        Uri.TryCreate(OptionsOf(configuration).OtlpEndpoint, UriKind.Absolute, out var collector) ? collector : null;

    private static MetricStreamConfiguration? BoundsOf(Instrument instrument) =>
        instrument is Histogram<double> { Unit: "s" } ? new ExplicitBucketHistogramConfiguration { Boundaries = SecondsBounds } : null;

    /// <summary>Which silo of which site it is that says something.</summary>
    private sealed class SiteAttributes(IServiceProvider services) : IResourceDetector
    {
        public Resource Detect()
        {
            try
            {
                var (locality, silo) =
                    (services.GetRequiredService<Locality>(), services.GetRequiredService<IOptions<SiloHostOptions>>().Value);
                return new Resource(
                [
                    KeyValuePair.Create<string, object>("service.instance.id", $"{silo.Address}:{silo.Port}"),
                    KeyValuePair.Create<string, object>("controlplane.overlay", locality.Overlay),
                    KeyValuePair.Create<string, object>("controlplane.region", locality.Region),
                ]);
            }
            catch (OptionsValidationException)
            {
                // While a configuration is checked whole, loggers and meters are made too: what is wrong with it is said by the check.
                return Resource.Empty;
            }
        }
    }

    private sealed class BuildMeter : IDisposable
    {
        private readonly Meter meter = new("ControlPlane.Build");

        public BuildMeter() => meter.CreateObservableGauge(
            "controlplane.build.info",
            () => new Measurement<int>(1, KeyValuePair.Create<string, object?>("version", Telemetry.Version)),
            "1",
            "1, by the version that runs.");

        public void Dispose() => meter.Dispose();
    }
}

using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;

namespace ControlPlane.Hosting;

/// <summary>
/// Where traces, metrics and logs are sent by the OpenTelemetry protocol (OTLP). Section <c>Telemetry</c>. Off without
/// <see cref="OtlpEndpoint"/>; <c>/metrics</c> and the log on standard output are there in any case.
/// </summary>
public sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>
    /// The collector: <c>http://</c> or <c>https://</c>, host and port, e.g. <c>http://127.0.0.1:4318</c>. None by default. When it does
    /// not answer, what was to be sent is dropped: nothing waits for it.
    /// </summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>
    /// What it speaks: <c>HttpProtobuf</c> (port 4318 as a rule) or <c>Grpc</c> (port 4317). <c>HttpProtobuf</c> by default.
    /// </summary>
    public OtlpExportProtocol OtlpProtocol { get; set; } = OtlpExportProtocol.HttpProtobuf;

    /// <summary>
    /// Which share of the traces that begin here is sent; a trace that a caller began is as the caller wants it. 0 to 1; 0.01 by default.
    /// </summary>
    [Range(0.0, 1.0, ErrorMessage = "TraceShare: must be 0 to 1")]
    public double TraceShare { get; set; } = 0.01;
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsRanges : IValidateOptions<TelemetryOptions>;

internal sealed class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>
{
    public ValidateOptionsResult Validate(string? name, TelemetryOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new TelemetryOptionsRanges().Validate(name, options));
        if (options.OtlpEndpoint is { } endpoint
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.AbsolutePath == "/"))
        {
            faults.AddError($"must be http:// or https://, a host and a port, is '{endpoint}'", nameof(options.OtlpEndpoint));
        }

        return faults.Build();
    }
}

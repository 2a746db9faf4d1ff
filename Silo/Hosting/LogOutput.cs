using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace ControlPlane.Hosting;

/// <summary>Structured logs on standard output.</summary>
internal static class LogOutput
{
    private const string TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";

    public static WebApplicationBuilder AddLogs(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LogOptions>().BindConfiguration(LogOptions.Section).ValidateOnStart();
        builder.Services.AddOptions<LoggerFilterOptions>().Configure<IOptions<LogOptions>>((filter, logs) => AddRules(filter, logs.Value));
        builder.Services.AddOptions<ConsoleLoggerOptions>().PostConfigure<IOptions<LogOptions>>((console, logs) =>
            console.FormatterName = IsJson(logs.Value.Format) ? ConsoleFormatterNames.Json : ConsoleFormatterNames.Simple);

        builder.Logging.AddJsonConsole(json =>
        {
            json.UseUtcTimestamp = true;
            json.TimestampFormat = TimestampFormat.TrimEnd();
            json.IncludeScopes = false;
        });
        builder.Logging.AddSimpleConsole(line =>
        {
            line.UseUtcTimestamp = true;
            line.TimestampFormat = TimestampFormat;
            line.SingleLine = true;
            line.IncludeScopes = false;
        });
        return builder;
    }

    private static bool IsJson(LogFormat format) =>
        format == LogFormat.Json || (format == LogFormat.Auto && System.Console.IsOutputRedirected);

    private static void AddRules(LoggerFilterOptions filter, LogOptions logs)
    {
        filter.MinLevel = logs.Level;

        // The libraries tell at Information what only their authors look for.
        foreach (var noisy in new[] { "Orleans", "Microsoft", "Polly" })
        {
            filter.Rules.Add(new LoggerFilterRule(null, noisy, logs.Level > LogLevel.Warning ? logs.Level : LogLevel.Warning, null));
        }

        // At its first look Orleans' watchdog takes the machine's uptime for the time that it was not looked at, and warns.
        filter.Rules.Add(new LoggerFilterRule(null, "Orleans.Runtime.Watchdog", LogLevel.Error, null));

        foreach (var (category, level) in logs.Levels)
        {
            filter.Rules.Add(new LoggerFilterRule(null, category, level, null));
        }
    }
}

namespace ControlPlane.Hosting;

/// <summary>What is logged and how. Section <c>Logging</c>. Logs go to standard output.</summary>
public sealed class LogOptions
{
    public const string Section = "Logging";

    /// <summary>The least severe entries that are written. <c>Information</c> by default.</summary>
    public LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>
    /// Other levels for categories, by the beginning of the category's name, e.g. <c>Orleans: Information</c>. By default
    /// <c>Orleans</c>, <c>Microsoft</c> and <c>Polly</c> at <c>Warning</c>.
    /// </summary>
    public Dictionary<string, LogLevel> Levels { get; set; } = new(StringComparer.Ordinal);

    /// <summary>One JSON object per line, or one readable line. <c>Auto</c>, the default: readable on a terminal, JSON elsewhere.</summary>
    public LogFormat Format { get; set; } = LogFormat.Auto;
}

/// <summary>How log entries look.</summary>
public enum LogFormat
{
    Auto = 0,
    Json = 1,
    Line = 2,
}

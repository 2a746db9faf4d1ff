using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Health;

/// <summary>Where health and metrics are served. Section <c>Health</c>.</summary>
public sealed class HealthOptions
{
    public const string Section = "Health";

    /// <summary>How many connections may be open at once, from all addresses together.</summary>
    internal const int ConnectionsMax = 256;

    /// <summary>How many of them from one address.</summary>
    internal const int ConnectionsPerAddressMax = 32;

    private const string DefaultUrl = "http://127.0.0.1:8781";

    /// <summary>
    /// Where to listen for <c>/livez</c>, <c>/readyz</c> and <c>/metrics</c>, and nothing else: <c>http://</c>, an address of this machine
    /// (or <c>localhost</c>) and a port; port 0 picks a free one. <c>http://127.0.0.1:8781</c> when empty. Whoever reaches it reads them
    /// without a token. It shares no limit with the API, so that probes are answered while somebody floods that.
    /// </summary>
    public List<string> Listen { get; set; } = [];

    /// <summary>The addresses to listen on, the default included.</summary>
    internal IEnumerable<string> Urls => Listen.Count > 0 ? Listen : [DefaultUrl];
}

internal sealed class HealthOptionsValidator : IValidateOptions<HealthOptions>
{
    public ValidateOptionsResult Validate(string? name, HealthOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        foreach (var (index, url) in options.Urls.Index())
        {
            if (ListenUrl.Parse(url) is not { Tls: false })
            {
                faults.AddError(
                    $"must be http://, an IP address or localhost, and a port, is '{url}'", $"{nameof(options.Listen)}:{index}");
            }
        }

        return faults.Build();
    }
}

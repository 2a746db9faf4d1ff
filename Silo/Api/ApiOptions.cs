using System.Net;
using ControlPlane.Access;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Api;

/// <summary>Where the HTTP API and the console are served, and to whom. Section <c>Api</c>.</summary>
public sealed class ApiOptions
{
    public const string Section = "Api";

    /// <summary>How many connections may be open at once from all addresses together.</summary>
    internal const int ConnectionsMax = 4096;

    /// <summary>Where it listens when nothing is configured.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8780";

    /// <summary>
    /// Where to listen: <c>http://</c> or <c>https://</c>, an address of this machine (or <c>localhost</c>) and a port; port 0 picks a
    /// free one. <c>http://127.0.0.1:8780</c> when empty. An address that is not loopback demands a way to sign in: a setting of
    /// <c>Access</c>. Without any, whoever reaches the loopback address may do everything.
    /// </summary>
    public List<string> Listen { get; set; } = [];

    /// <summary>The TLS certificate with its chain, PEM; needed by <c>https://</c>. It is read again when it changes.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>The key of <see cref="CertificateFile"/>, PEM.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>
    /// How many connections may be open at once from one address (of IPv6: from one network of 64 bits). 1 to 4096; 512 by default.
    /// Raise it where a proxy stands before the API, since then all callers come from its address.
    /// </summary>
    [Between(1, ConnectionsMax)]
    public int ConnectionsPerAddressMax { get; set; } = 512;

    /// <summary>The addresses to listen on, the default included.</summary>
    internal IEnumerable<string> Urls => Listen.Count > 0 ? Listen : [DefaultUrl];
}

[OptionsValidator]
internal sealed partial class ApiOptionsRanges : IValidateOptions<ApiOptions>;

internal sealed class ApiOptionsValidator(AccessDemand demand) : IValidateOptions<ApiOptions>
{
    public ValidateOptionsResult Validate(string? name, ApiOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new ApiOptionsRanges().Validate(name, options));
        foreach (var (index, url) in options.Urls.Index())
        {
            if (UrlFault(options, url) is { } fault)
            {
                faults.AddError(fault, $"{nameof(options.Listen)}:{index}");
            }
        }

        return faults.Build();
    }

    private string? UrlFault(ApiOptions options, string url) => ListenUrl.Parse(url) switch
    {
        null => ListenUrl.FaultOf(url),
        { Tls: true } when !File.Exists(options.CertificateFile) || !File.Exists(options.KeyFile) =>
            $"'{url}' needs Api:CertificateFile and Api:KeyFile, and both files",
        { Endpoint.Address: var address } when !IPAddress.IsLoopback(address) && !demand.IsOn =>
            $"'{url}' is reachable from other machines and needs a way to sign in: Access:Tokens, Access:Oidc, Access:Certificates or Access:Choria",
        _ => null,
    };
}

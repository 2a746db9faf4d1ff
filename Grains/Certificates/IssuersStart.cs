using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>
/// Asks each CA when the silo starts whether it is what it is configured to be, and set up for the profiles that name it.
/// </summary>
internal sealed partial class IssuersStart(GuardedIssuers issuers, IOptions<CertificatesOptions> options, ILogger<IssuersStart> logger)
    : IHostedService
{
    /// <exception cref="IssuerMisconfiguredException">
    /// One is something else, or a profile asks what a CA would not give; all such faults are in the message.
    /// </exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var profiles = options.Value.Profiles.Keys.Select(name => options.Value.ProfileOrNull(name)!).ToArray();
        var found = await Task.WhenAll(issuers.Configured.Select(issuer => FindFaultsAsync(
            issuer, [.. profiles.Where(profile => profile.Issuers.Contains(issuer.Name))], cancellationToken)));
        if (found.SelectMany(faults => faults).ToArray() is { Length: > 0 } faults)
        {
            throw new IssuerMisconfiguredException(string.Join("; ", faults));
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<IReadOnlyList<string>> FindFaultsAsync(
        ICertificateIssuer issuer, IReadOnlyList<CertificateProfile> profiles, CancellationToken cancellationToken)
    {
        try
        {
            await issuer.VerifyAsync(cancellationToken);
            var guarded = issuers.Of(issuer.Name);
            if (profiles.Count > 0)
            {
                await guarded.ProveAsync(cancellationToken);
            }

            var faults = new List<string>();
            foreach (var profile in profiles)
            {
                var found = guarded.ProfileCheck is { } check ? await check.FindFaultsAsync(profile, cancellationToken) : [];
                faults.AddRange(found.Select(fault => $"the profile '{profile.Name}' names '{issuer.Name}', which {fault}"));
            }

            return faults;
        }
        catch (IssuerMisconfiguredException wrong)
        {
            return [$"the issuer '{issuer.Name}' cannot be used: {wrong.Message}"];
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException)
        {
            // An overlay that is cut off from its CA goes on with everything else; the first order asks again, and the check of each
            // certificate stands in for this one.
            LogAway(issuer.Name, away.Message);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Issuer} is away and was not checked: {Reason}")]
    private partial void LogAway(string issuer, string reason);
}

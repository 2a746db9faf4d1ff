using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Asks each CA when the silo starts whether it is set up for the profiles that name it.</summary>
internal sealed partial class ProfilesStart(
    IServiceProvider services, GuardedIssuers issuers, IOptions<CertificatesOptions> options, ILogger<ProfilesStart> logger)
    : IHostedService
{
    /// <exception cref="IssuerMisconfiguredException">
    /// A profile asks what a CA would not give; all such faults are in the message.
    /// </exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        foreach (var name in options.Value.Profiles.Keys)
        {
            var profile = options.Value.ProfileOrNull(name)!;
            foreach (var issuer in profile.Issuers)
            {
                var found = await FindFaultsAsync(issuer, profile, cancellationToken);
                faults.AddRange(found.Select(fault => $"the profile '{name}' names '{issuer}', which {fault}"));
            }
        }

        if (faults.Count > 0)
        {
            throw new IssuerMisconfiguredException(string.Join("; ", faults));
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<IReadOnlyList<string>> FindFaultsAsync(
        string issuer, CertificateProfile profile, CancellationToken cancellationToken)
    {
        try
        {
            await issuers.Of(issuer).ProveAsync(cancellationToken);
            return services.GetKeyedService<ICertificateIssuer>(issuer) is ICertificateProfileCheck check
                ? await check.FindFaultsAsync(profile, cancellationToken)
                : [];
        }
        catch (IssuerMisconfiguredException wrong)
        {
            return [$"cannot be used: {wrong.Message}"];
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException)
        {
            // An overlay that is cut off from its CA goes on with everything else; the check of each certificate stands in for this one.
            LogAway(issuer, away.Message);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Issuer} is away; whether it can serve its profiles was not asked: {Reason}")]
    private partial void LogAway(string issuer, string reason);
}

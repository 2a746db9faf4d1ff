using ControlPlane.Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Vault;

/// <summary>Checks a Vault when the silo starts.</summary>
internal sealed partial class VaultStart(VaultIssuer issuer, ILogger<VaultStart> logger) : IHostedService
{
    /// <exception cref="IssuerMisconfiguredException">It does not let us in, or has no such mount; the silo does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await issuer.VerifyAsync(cancellationToken);
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException)
        {
            // An overlay that is cut off from its CA goes on with everything else; the first order logs in.
            LogAway(issuer.Name, away.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "{Issuer} is away and was not checked: {Reason}")]
    private partial void LogAway(string issuer, string reason);
}

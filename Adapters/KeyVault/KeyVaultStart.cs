using ControlPlane.Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Reads and pins the CA's certificate when the silo starts.</summary>
internal sealed partial class KeyVaultStart(KeyVaultIssuer issuer, ILogger<KeyVaultStart> logger) : IHostedService
{
    /// <exception cref="IssuerMisconfiguredException">The vault does not let us in, or has no such CA; the silo does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await issuer.GetChainAsync(cancellationToken);
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException)
        {
            // An overlay that is cut off from its CA goes on with everything else; the first order reads it.
            LogAway(issuer.Name, away.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "{Issuer} is away and was not checked: {Reason}")]
    private partial void LogAway(string issuer, string reason);
}

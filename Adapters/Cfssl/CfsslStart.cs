using ControlPlane.Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Checks a cfssl when the silo starts.</summary>
internal sealed partial class CfsslStart(CfsslIssuer issuer, ILogger<CfsslStart> logger) : IHostedService
{
    /// <exception cref="IssuerMisconfiguredException">It is not what it is configured to be; the silo does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await issuer.VerifyAsync(cancellationToken);
            if (await issuer.Setup.OffersKeysAsync(cancellationToken))
            {
                LogOffersKeys(issuer.Name);
            }
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException)
        {
            // An overlay that is cut off from its CA goes on with everything else; the first order asks again.
            LogAway(issuer.Name, away.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "{Issuer} offers 'newkey' to everyone who reaches it: start it with -disable, or let only silos reach it")]
    private partial void LogOffersKeys(string issuer);

    [LoggerMessage(LogLevel.Warning, "{Issuer} is away and was not checked: {Reason}")]
    private partial void LogAway(string issuer, string reason);
}

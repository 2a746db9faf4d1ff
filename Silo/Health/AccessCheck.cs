using ControlPlane.Access;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Degraded while an identity provider is away, or an access token ends soon: the silo serves the others.</summary>
internal sealed class AccessCheck(IssuerKeyRings rings, AccessTokens tokens, ClientCertificates certificates) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] concerns =
        [
            .. rings.All.Where(keys => keys.Fault is not null).Select(keys => keys.AreUsable
                ? $"the identity provider {keys.Name} is away, its last keys are used until {keys.UsableUntil:u}: {keys.Fault}"
                : $"the identity provider {keys.Name} is away, and its tokens are refused: {keys.Fault}"),
            .. certificates.Concerns.Select(concern => $"client certificates are refused: {concern}"),
            .. tokens.Ending().Select(ending =>
                $"{ending.Place}: the token {ending.Id} of {ending.Holder} ends at {ending.ExpiresAt:u}"),
        ];
        return Task.FromResult(concerns.Length > 0
            ? HealthCheckResult.Degraded(string.Join("; ", concerns))
            : HealthCheckResult.Healthy("whoever may sign in can"));
    }
}

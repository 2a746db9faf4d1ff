using System.Diagnostics;
using System.Globalization;
using System.Security.Claims;

namespace ControlPlane.Access;

/// <summary>Whom a request is by: the one place where claims become a caller.</summary>
internal static class Callers
{
    /// <returns>Null for a request that nobody was authenticated for.</returns>
    public static Caller? OfOrNull(HttpContext context) => OfOrNull(context, context.User);

    /// <summary>Whom a request is by, whoever that was authenticated to be.</summary>
    public static Caller? OfOrNull(HttpContext context, ClaimsPrincipal somebody) => OfOrNull(somebody, AddressOf(context)) is { } caller
        ? caller with { Trace = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier }
        : null;

    /// <returns>Null for somebody who was not authenticated.</returns>
    public static Caller? OfOrNull(ClaimsPrincipal somebody, string? address) =>
        somebody.Identity is ClaimsIdentity { IsAuthenticated: true, Name: { } name } identity
            && Enum.TryParse<CallerMethod>(identity.AuthenticationType, out var method)
            ? new Caller
            {
                Principal = name,
                Method = method,
                Groups = Values(identity, AccessClaims.Group),
                Roles = Values(identity, AccessClaims.Role),
                Claims = AccessClaims.OthersOf(identity),
                SecondFactorAt = identity.FindFirst(AccessClaims.SecondFactorAt) is { } at
                    ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(at.Value, CultureInfo.InvariantCulture))
                    : null,
                CredentialId = identity.FindFirst(AccessClaims.Credential)?.Value,
                Address = address,
            }
            : null;

    public static string? AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString();

    private static string[] Values(ClaimsIdentity identity, string type) => [.. identity.FindAll(type).Select(claim => claim.Value)];
}

using System.Security.Claims;

namespace ControlPlane.Access;

/// <summary>Whom a request is by: the one place where claims become a caller.</summary>
internal static class Callers
{
    /// <returns>Null for a request that nobody was authenticated for.</returns>
    public static Caller? OfOrNull(HttpContext context) =>
        context.User.Identity is ClaimsIdentity { IsAuthenticated: true, Name: { } name } identity
            ? name == Caller.Local.Principal && identity.AuthenticationType == TokenAuthentication.LocalType
                ? Caller.Local with { Address = AddressOf(context) }
                : new Caller { Principal = name, Method = CallerMethod.AccessToken, Address = AddressOf(context) }
            : null;

    public static string? AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString();
}

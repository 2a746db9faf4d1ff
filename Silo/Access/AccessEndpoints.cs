using Microsoft.AspNetCore.Http.HttpResults;

namespace ControlPlane.Access;

/// <summary>Who is asking.</summary>
internal static class AccessEndpoints
{
    public static void MapAccess(this IEndpointRouteBuilder v1) => v1.MapGet("/access/whoami", Show)
        .WithName("WhoAmI").WithTags("access").Requires(Permissions.AccessSelf)
        .WithSummary("Who is asking, how that is known, and with which groups and roles.");

    private static Ok<WhoAmI> Show(HttpContext context)
    {
        var caller = Callers.OfOrNull(context)!;
        return TypedResults.Ok(new WhoAmI(
            caller.Principal, caller.Method, caller.Groups, caller.Roles, caller.Claims, caller.SecondFactorAt, caller.CredentialId));
    }
}

/// <summary>A caller, as it is told of itself.</summary>
/// <param name="Principal">The name that records and policies use.</param>
/// <param name="Method">How it is known.</param>
/// <param name="Groups">The groups that its credential names.</param>
/// <param name="Roles">The roles that its credential grants by itself.</param>
/// <param name="Claims">What else its credential says, and policies may name.</param>
/// <param name="SecondFactorAt">When a second factor was given; null when none was, or nobody says when.</param>
/// <param name="Credential">Which of its credentials it shows: a token's id, a certificate's serial number.</param>
internal sealed record WhoAmI(
    string Principal,
    CallerMethod Method,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Roles,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Claims,
    DateTimeOffset? SecondFactorAt,
    string? Credential);

using System.Security.Claims;
using System.Text.Json;

namespace ControlPlane.Access;

/// <summary>What the claims of a verified access token say of its holder. Pure.</summary>
internal static class OidcClaims
{
    /// <summary>What is carried in a token at most: beyond it providers give a link in place of the list.</summary>
    public const int GroupsMax = 1000;

    // Claims that only ID tokens have: they say to a client who signed in, and are no permission to call anybody.
    private static readonly string[] OfIdTokens = ["nonce", "at_hash", "c_hash", "s_hash"];

    /// <summary>The principal; null with the fault, which holds nothing of the token.</summary>
    public static ClaimsPrincipal? Judge(JsonElement claims, OidcIssuerOptions issuer, DateTimeOffset now, out string? fault)
    {
        fault = Fault(claims, issuer, now);
        if (fault is not null)
        {
            return null;
        }

        var held = TextsOf(claims, issuer.GroupsClaim).Select(group => new Claim(AccessClaims.Group, issuer.Prefix + group)).ToList();
        if (HasSecondFactor(claims, issuer) && TimeOf(claims, "auth_time") is { } at && at <= now + OidcBearer.ClockSkew)
        {
            held.Add(AccessClaims.At(at));
        }

        if (JsonWebTokenText.TextOf(claims, "jti") is { } id && AccessClaims.IsName(id))
        {
            held.Add(new Claim(AccessClaims.Credential, id));
        }

        return AccessClaims.Principal(
            CallerMethod.Oidc, issuer.Prefix + JsonWebTokenText.TextOf(claims, issuer.PrincipalClaim), held);
    }

    private static string? Fault(JsonElement claims, OidcIssuerOptions issuer, DateTimeOffset now)
    {
        if (OfIdTokens.Any(name => claims.TryGetProperty(name, out _)) || JsonWebTokenText.TextOf(claims, "typ") is "ID" or "Refresh")
        {
            return "the token is an ID token or a refresh token, not an access token";
        }

        if (!AccessClaims.IsName(JsonWebTokenText.TextOf(claims, issuer.PrincipalClaim)))
        {
            return $"the token's claim '{issuer.PrincipalClaim}' is not a name";
        }

        if (TextsOf(claims, issuer.GroupsClaim) is var groups && (groups.Count > GroupsMax || !groups.All(AccessClaims.IsName)))
        {
            return $"the token's claim '{issuer.GroupsClaim}' is not a list of at most {GroupsMax} names";
        }

        if (TimeOf(claims, "iat") is { } issued && issued > now + OidcBearer.ClockSkew)
        {
            return "the token was issued in the future";
        }

        return issuer.SecondFactorRequired && !HasSecondFactor(claims, issuer) ? "the token says of no second factor" : null;
    }

    private static bool HasSecondFactor(JsonElement claims, OidcIssuerOptions issuer) =>
        (JsonWebTokenText.TextOf(claims, "acr") is { } acr && issuer.SecondFactorAcr.Contains(acr))
        || TextsOf(claims, "amr").Any(issuer.SecondFactorAmr.Contains);

    // One text, or a list of texts; what else is in a list counts as an empty text, which is no name.
    private static List<string> TextsOf(JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return [];
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "")]
            : [value.ValueKind == JsonValueKind.String ? value.GetString()! : ""];
    }

    private static DateTimeOffset? TimeOf(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds)
            && seconds is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}

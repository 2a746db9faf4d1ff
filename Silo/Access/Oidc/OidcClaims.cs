using System.Security.Claims;
using System.Text.Json;

namespace ControlPlane.Access;

/// <summary>What the claims of a verified token say of whom it is of. Pure.</summary>
internal static class OidcClaims
{
    /// <summary>What is carried in a token at most: beyond it providers give a link in place of the list.</summary>
    public const int GroupsMax = 1000;

    /// <summary>Other claims that a token may have. They travel with each call that its holder causes.</summary>
    public const int ClaimsMax = 64;

    /// <summary>Values of all these claims together.</summary>
    public const int ValuesMax = 512;

    /// <summary>Characters of all these values together.</summary>
    public const int CharactersMax = 8 * 1024;

    // Claims that only ID tokens have: they say to a client who signed in, and are no permission to call anybody.
    private static readonly string[] OfIdTokens = ["nonce", "at_hash", "c_hash", "s_hash"];

    // What the protocol says of the token, and not of its holder.
    private static readonly string[] OfTheProtocol =
    [
        .. OfIdTokens, "iss", "aud", "exp", "nbf", "iat", "jti", "auth_time", "typ", "sid", "cnf", "events", "_claim_names",
        "_claim_sources",
    ];

    // Lists in one text, with spaces between.
    private static readonly string[] Spaced = ["scope", "scp"];

    /// <summary>The holder of an access token; null with the fault, which holds nothing of the token.</summary>
    public static ClaimsPrincipal? Judge(JsonElement claims, OidcIssuerOptions issuer, DateTimeOffset now, out string? fault)
    {
        fault = OfIdTokens.Any(name => claims.TryGetProperty(name, out _)) || JsonWebTokenText.TextOf(claims, "typ") is "ID" or "Refresh"
            ? "the token is an ID token or a refresh token, not an access token"
            : Fault(claims, issuer, now);
        return fault is null ? PrincipalOf(claims, issuer, now) : null;
    }

    /// <summary>Who signed in at one of our clients; null with the fault, which holds nothing of the token.</summary>
    public static ClaimsPrincipal? JudgeIdToken(
        JsonElement claims, OidcIssuerOptions issuer, string clientId, DateTimeOffset now, out string? fault)
    {
        // A token for several clients says whom it was made for.
        fault = JsonWebTokenText.TextOf(claims, "azp") is { } party && party != clientId ? "the ID token is for another client"
            : JsonWebTokenText.TextOf(claims, "typ") is "Bearer" or "Refresh" ? "the token is not an ID token"
            : Fault(claims, issuer, now);
        return fault is null ? PrincipalOf(claims, issuer, now) : null;
    }

    private static ClaimsPrincipal PrincipalOf(JsonElement claims, OidcIssuerOptions issuer, DateTimeOffset now)
    {
        var held = TextsOf(claims, issuer.GroupsClaim).Select(group => new Claim(AccessClaims.Group, issuer.Prefix + group)).ToList();
        if (HasSecondFactor(claims, issuer) && JsonWebTokenText.TimeOf(claims, "auth_time") is { } at && at <= now + OidcTokens.ClockSkew)
        {
            held.Add(AccessClaims.At(at));
        }

        if (JsonWebTokenText.TextOf(claims, "jti") is { } id && AccessClaims.IsName(id))
        {
            held.Add(new Claim(AccessClaims.Credential, id));
        }

        held.AddRange(Others(claims, issuer).Select(other => AccessClaims.Other(issuer.Prefix + other.Name, other.Value)));
        return AccessClaims.Principal(
            CallerMethod.Oidc, issuer.Prefix + JsonWebTokenText.TextOf(claims, issuer.PrincipalClaim), held);
    }

    private static string? Fault(JsonElement claims, OidcIssuerOptions issuer, DateTimeOffset now)
    {
        if (!AccessClaims.IsName(JsonWebTokenText.TextOf(claims, issuer.PrincipalClaim)))
        {
            return $"the token's claim '{issuer.PrincipalClaim}' is not a name";
        }

        if (TextsOf(claims, issuer.GroupsClaim) is var groups && (groups.Count > GroupsMax || !groups.All(AccessClaims.IsName)))
        {
            return $"the token's claim '{issuer.GroupsClaim}' is not a list of at most {GroupsMax} names";
        }

        // Refused and not cut: a denial by a claim that was cut off would not hold.
        var others = Others(claims, issuer).ToList();
        if (others.Count > ValuesMax || others.DistinctBy(other => other.Name).Count() > ClaimsMax
            || others.Sum(other => other.Name.Length + other.Value.Length) > CharactersMax)
        {
            return $"the token has more than {ClaimsMax} claims besides, or {ValuesMax} values of them, or {CharactersMax} characters";
        }

        if (JsonWebTokenText.TimeOf(claims, "iat") is { } issued && issued > now + OidcTokens.ClockSkew)
        {
            return "the token was issued in the future";
        }

        return issuer.SecondFactorRequired && !HasSecondFactor(claims, issuer) ? "the token says of no second factor" : null;
    }

    private static bool HasSecondFactor(JsonElement claims, OidcIssuerOptions issuer) =>
        (JsonWebTokenText.TextOf(claims, "acr") is { } acr && issuer.SecondFactorAcr.Contains(acr))
        || TextsOf(claims, "amr").Any(issuer.SecondFactorAmr.Contains);

    // What a policy can name. Objects, and texts that are no names, it cannot.
    private static IEnumerable<(string Name, string Value)> Others(JsonElement claims, OidcIssuerOptions issuer) =>
        from claim in claims.EnumerateObject()
        where AccessClaims.IsName(claim.Name) && claim.Name != issuer.GroupsClaim && !OfTheProtocol.Contains(claim.Name)
        from value in ValuesOf(claim)
        where AccessClaims.IsName(value)
        select (claim.Name, value);

    private static IEnumerable<string> ValuesOf(JsonProperty claim) => claim.Value.ValueKind == JsonValueKind.Array
        ? claim.Value.EnumerateArray().Select(ScalarOf)
        : Spaced.Contains(claim.Name) ? ScalarOf(claim.Value).Split(' ')
        : [ScalarOf(claim.Value)];

    private static string ScalarOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "",
    };

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
}

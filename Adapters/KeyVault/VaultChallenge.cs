using System.Text;
using System.Text.RegularExpressions;
using Azure.Core;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>A vault's demand for a token: <c>WWW-Authenticate: Bearer authorization="…/tenant", resource="…"</c>.</summary>
/// <param name="Scope">What the token is to be for.</param>
/// <param name="TenantId">Who is to give it.</param>
/// <param name="Claims">What it must say besides (continuous access evaluation); null for nothing.</param>
internal sealed partial record VaultChallenge(string Scope, string? TenantId, string? Claims)
{
    /// <summary>Reads a challenge; null when it is none, or names a resource that the host is not below.</summary>
    public static VaultChallenge? ReadOrNull(string header, string host)
    {
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var fields = Field().Matches(header)
            .GroupBy(match => match.Groups[1].Value, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.First().Groups[2].Value, StringComparer.OrdinalIgnoreCase);

        // Older vaults and other clouds name the scope instead of the resource.
        var scope = fields.GetValueOrDefault("scope") ?? (fields.TryGetValue("resource", out var resource) ? $"{resource}/.default" : null);
        if (scope is null
            || !Uri.TryCreate(scope, UriKind.Absolute, out var target)
            || !host.EndsWith($".{target.Host}", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var tenant = Uri.TryCreate(
            fields.GetValueOrDefault("authorization") ?? fields.GetValueOrDefault("authorization_uri"), UriKind.Absolute, out var authority)
            ? authority.AbsolutePath.Trim('/').Split('/')[0]
            : null;
        return new VaultChallenge(scope, string.IsNullOrEmpty(tenant) ? null : tenant, ClaimsIn(fields));
    }

    /// <summary>What to ask the identity for.</summary>
    public TokenRequestContext TokenRequest(HttpMessage message) =>
        new([Scope], message.Request.ClientRequestId, Claims, TenantId, isCaeEnabled: true);

    private static string? ClaimsIn(Dictionary<string, string> fields)
    {
        if (fields.GetValueOrDefault("error") != "insufficient_claims" || !fields.TryGetValue("claims", out var encoded))
        {
            return null;
        }

        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    [GeneratedRegex("([a-z_]+)=\"([^\"]*)\"", RegexOptions.IgnoreCase)]
    private static partial Regex Field();
}

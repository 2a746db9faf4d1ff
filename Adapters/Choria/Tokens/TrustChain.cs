namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text;

/// <summary>
/// How the organisation issuer vouches for a token through a chain issuer. The organisation signs the chain issuer's id and key;
/// the chain issuer signs the token's id and that signature. There is one level and no more.
/// </summary>
internal static class TrustChain
{
    public const string ChainIssuerPrefix = "I-";
    public const string ChainedPrefix = "C-";

    /// <summary>The problem of a token that was given a time after its id was made, or an id of another token.</summary>
    public const string IdOfAnotherTime = "jti is not a KSUID of iat";

    public static string ChainIssuerName(string organizationKeyHex) => ChainIssuerPrefix + organizationKeyHex;

    public static string ChainedName(string chainIssuerId, string chainIssuerKeyHex) =>
        $"{ChainedPrefix}{chainIssuerId}.{chainIssuerKeyHex}";

    public static byte[] Statement(string id, string publicKeyOrSignature) => Encoding.UTF8.GetBytes($"{id}.{publicKeyOrSignature}");

    /// <summary>The key that must have signed the token, or what is wrong with its chain.</summary>
    public static bool TryFollow(
        TokenClaims claims,
        ReadOnlySpan<byte> organizationKey,
        [NotNullWhen(true)] out byte[]? signer,
        [NotNullWhen(false)] out string? problem)
    {
        signer = null;
        problem = claims.Issuer?.StartsWith(ChainedPrefix, StringComparison.Ordinal) == true
            ? FollowChained(claims, organizationKey, out signer)
            : FollowDirect(claims, organizationKey, out signer);
        return problem is null;
    }

    private static string? FollowDirect(TokenClaims claims, ReadOnlySpan<byte> organizationKey, out byte[]? signer)
    {
        signer = organizationKey.ToArray();
        var names = claims.Issuer?.StartsWith(ChainIssuerPrefix, StringComparison.Ordinal) == true;
        if (!names && string.IsNullOrEmpty(claims.TrustChainSignature))
        {
            return null;
        }

        if (claims.Purpose != TokenClaims.ClientPurpose)
        {
            return "only a client token may be that of a chain issuer";
        }

        if (claims.Issuer != ChainIssuerName(Convert.ToHexStringLower(organizationKey)))
        {
            return "iss does not name the organisation issuer";
        }

        return claims.Id is { } id && claims.PublicKey is { } key
            && Ed25519Key.VerifyHex(Convert.ToHexStringLower(organizationKey), Statement(id, key), claims.TrustChainSignature)
            ? null
            : "tcs is not the organisation issuer's";
    }

    private static string? FollowChained(TokenClaims claims, ReadOnlySpan<byte> organizationKey, out byte[]? signer)
    {
        signer = null;
        if (claims is not { Id: { } id, IssuedAtSeconds: { } issuedAt, PublicKey.Length: > 0 }
            || claims is not { ExpiresAtSeconds: not null, IssuerExpiresAtSeconds: not null })
        {
            return "jti, iat, exp, issexp or public_key is missing";
        }

        if (claims.Purpose == TokenClaims.ProvisioningPurpose)
        {
            return "a provisioning token is signed by the organisation issuer itself";
        }

        if (!Ksuid.TryReadTime(id, out var madeAt) || madeAt != issuedAt)
        {
            return IdOfAnotherTime;
        }

        var name = claims.Issuer![ChainedPrefix.Length..];
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var signatures = claims.TrustChainSignature?.Split('.') ?? [];
        if (dot <= 0 || signatures.Length != 2 || !Hex.TryDecode(name.AsSpan(dot + 1), Ed25519Key.PublicKeyBytes, out var chainIssuer))
        {
            return "iss or tcs is not of two parts";
        }

        var (issuerId, issuerKeyHex) = (name[..dot], Convert.ToHexStringLower(chainIssuer));
        if (!Ed25519Key.VerifyHex(Convert.ToHexStringLower(organizationKey), Statement(issuerId, issuerKeyHex), signatures[0]))
        {
            return "the organisation issuer does not vouch for the issuer";
        }

        if (!Ed25519Key.VerifyHex(issuerKeyHex, Statement(id, signatures[0]), signatures[1]))
        {
            return "the issuer does not vouch for the token";
        }

        signer = chainIssuer;
        return null;
    }
}

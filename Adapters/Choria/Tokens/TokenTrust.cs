namespace ControlPlane.Adapters.Choria;

using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;

/// <summary>Whose tokens are believed. Thread-safe; knows no clock.</summary>
public sealed class TokenTrust
{
    private readonly FrozenDictionary<string, IssuerKey>? organizations;
    private readonly IReadOnlyList<IssuerKey> signers;
    private readonly BelievedTokens? believed;

    private TokenTrust(
        FrozenDictionary<string, IssuerKey>? organizations, IReadOnlyList<IssuerKey> signers, BelievedTokens? believed = null)
    {
        this.organizations = organizations;
        this.signers = signers;
        this.believed = believed;
    }

    /// <summary>One issuer per organisation: a token's <c>ou</c> claim, or <c>choria</c>, says which must vouch for it.</summary>
    public static TokenTrust InOrganizations(IReadOnlyDictionary<string, IssuerKey> issuers) =>
        new(issuers.ToFrozenDictionary(StringComparer.Ordinal), []);

    /// <summary>The same, by the issuers' Ed25519 public keys as settings have them: hexadecimal.</summary>
    /// <exception cref="ChoriaFormatException">One is none.</exception>
    public static TokenTrust InOrganizations(IReadOnlyDictionary<string, string> publicKeys) =>
        InOrganizations(publicKeys.ToDictionary(
            issuer => issuer.Key, issuer => IssuerKey.FromEd25519Hex(issuer.Value), StringComparer.Ordinal));

    /// <summary>Any of the signers may vouch for any token, whatever its organisation.</summary>
    public static TokenTrust InSigners(params IReadOnlyList<IssuerKey> signers) => new(null, [.. signers]);

    /// <summary>
    /// The same trust, which remembers the server tokens that it believed: a node shows the same one for months, with each reply.
    /// </summary>
    public TokenTrust Remembering() => new(organizations, signers, new BelievedTokens());

    /// <summary>Verifies a node's provisioning token. Never throws for what the token may hold.</summary>
    public bool TryVerify(
        string token,
        DateTimeOffset now,
        [NotNullWhen(true)] out ProvisioningClaims? claims,
        [NotNullWhen(false)] out TokenFault? fault) =>
        TryVerify(token, now, TokenJson.Wire.ProvisioningClaims, out claims, out fault);

    /// <summary>Verifies a server token. Never throws for what the token may hold.</summary>
    public bool TryVerify(
        string token, DateTimeOffset now, [NotNullWhen(true)] out ServerClaims? claims, [NotNullWhen(false)] out TokenFault? fault)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (believed is null)
        {
            return TryVerify(token, now, TokenJson.Wire.ServerClaims, out claims, out fault);
        }

        // What was signed stays signed; only its time runs out.
        if (believed.Find(token) is { } known)
        {
            fault = TimeFault(known, now);
            claims = fault is null ? known : null;
            return fault is null;
        }

        if (!TryVerify(token, now, TokenJson.Wire.ServerClaims, out claims, out fault))
        {
            return false;
        }

        believed.Remember(token, claims);
        return true;
    }

    /// <summary>Verifies a client token. Never throws for what the token may hold.</summary>
    public bool TryVerify(
        string token, DateTimeOffset now, [NotNullWhen(true)] out ClientClaims? claims, [NotNullWhen(false)] out TokenFault? fault) =>
        TryVerify(token, now, TokenJson.Wire.ClientClaims, out claims, out fault);

    private bool TryVerify<T>(
        string token,
        DateTimeOffset now,
        JsonTypeInfo<T> type,
        [NotNullWhen(true)] out T? claims,
        [NotNullWhen(false)] out TokenFault? fault)
        where T : TokenClaims, new()
    {
        ArgumentNullException.ThrowIfNull(token);
        claims = null;
        try
        {
            var text = TokenText.Read(token);
            var standard = text.Claims(TokenJson.Wire.StandardClaims);
            fault = SignatureFault(text, standard) ?? PurposeFault(standard, new T().OwnPurpose) ?? TimeFault(standard, now);
            claims = fault is null ? text.Claims(type) : null;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = new TokenFault(TokenRefusal.Malformed, unreadable.Message);
        }

        return fault is null;
    }

    private TokenFault? SignatureFault(TokenText text, StandardClaims claims)
    {
        if (organizations is null)
        {
            TokenFault? telling = null;
            foreach (var signer in signers)
            {
                var fault = SignatureFault(text, claims, signer);
                if (fault is null)
                {
                    return null;
                }

                // A key of the token's own kind says more than one that could never have signed it.
                telling = telling is null or { Reason: TokenRefusal.AnotherAlgorithm } ? fault : telling;
            }

            return telling ?? new TokenFault(TokenRefusal.Untrusted, "no signer is trusted");
        }

        var organization = string.IsNullOrEmpty(claims.Organization) ? TokenClaims.DefaultOrganization : claims.Organization;
        return organizations.TryGetValue(organization, out var issuer)
            ? SignatureFault(text, claims, issuer)
            : new TokenFault(TokenRefusal.Untrusted, "its organisation has no issuer here");
    }

    private static TokenFault? SignatureFault(TokenText text, StandardClaims claims, IssuerKey issuer)
    {
        if (!issuer.Allows(text.Algorithm))
        {
            return new TokenFault(
                TokenRefusal.AnotherAlgorithm, $"it says that it is signed by {text.Algorithm}, which the trusted key does not sign with");
        }

        if (issuer is IssuerKey.Ed25519 organization)
        {
            if (!TrustChain.TryFollow(claims, organization.PublicKey.Span, out var signer, out var problem))
            {
                return new TokenFault(TokenRefusal.WronglyChained, problem);
            }

            issuer = new IssuerKey.Ed25519(signer);
        }

        return issuer.Verifies(text.Algorithm, text.SignedBytes, text.Signature)
            ? null
            : new TokenFault(TokenRefusal.Untrusted, "its signature is not the issuer's");
    }

    private static TokenFault? PurposeFault(StandardClaims claims, string purpose) => claims.Purpose == purpose
        ? null
        : new TokenFault(TokenRefusal.AnotherPurpose, $"its purpose is not {purpose}");

    private static TokenFault? TimeFault(TokenClaims claims, DateTimeOffset now)
    {
        if (claims.NotBeforeSeconds is { } begin && now.ToUnixTimeSeconds() < begin)
        {
            return new TokenFault(TokenRefusal.NotYetValid, $"it is not valid before {begin}");
        }

        return now >= claims.ExpiresAt
            ? new TokenFault(TokenRefusal.Expired, $"it expired at {claims.ExpiresAt:O}")
            : null;
    }
}

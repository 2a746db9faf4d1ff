namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization.Metadata;

/// <summary>A token as a log-in shows it: read as far as it can be, believed in nothing.</summary>
internal sealed class PresentedToken
{
    private readonly TokenText? text;

    private PresentedToken(TokenText? text, StandardClaims? claims, string purpose, string malformed) =>
        (this.text, Claims, Purpose, Malformed) = (text, claims, purpose, malformed);

    /// <summary>What it is for, by its own words; empty when it cannot be read or does not say.</summary>
    public string Purpose { get; }

    /// <summary>Why it cannot be read; empty when it can.</summary>
    public string Malformed { get; }

    /// <summary>What all tokens claim; null when it cannot be read.</summary>
    public StandardClaims? Claims { get; }

    /// <summary>The name of the algorithm in its header; empty when it cannot be read.</summary>
    public string Algorithm => text?.Algorithm ?? "";

    /// <summary>Whether a chain issuer signed it.</summary>
    public bool IsChained => Claims?.Issuer?.StartsWith(TrustChain.ChainedPrefix, StringComparison.Ordinal) == true;

    public static PresentedToken Read(string token, BrokerLeniency leniency)
    {
        try
        {
            var text = TokenText.Read(token);
            var claims = text.ReadClaims(TokenJson.Wire.StandardClaims);
            return new PresentedToken(text, claims, PurposeOf(claims, leniency), "");
        }
        catch (ChoriaFormatException unreadable)
        {
            var problem = token.Split('.').Length == TokenText.Parts ? unreadable.Message : "token contains an invalid number of segments";
            return new PresentedToken(null, null, "", $"token is malformed: {problem}");
        }
    }

    /// <summary>Whether the key, or the one that it vouches for in the token's chain, signed it; null when so.</summary>
    public string? SignatureFault(IssuerKey key, bool followsChain)
    {
        if (text is null || Claims is null)
        {
            return Malformed;
        }

        if (Algorithm != TokenAlgorithms.EdDsa && TokenAlgorithms.HashOf(Algorithm) is null)
        {
            return $"token signature is invalid: signing method {BrokerText.Shown(Algorithm)} is invalid";
        }

        const string KeyFault = "token is unverifiable: error while executing keyfunc: ";
        if (!key.Allows(Algorithm))
        {
            return KeyFault + (Algorithm == TokenAlgorithms.EdDsa ? "ed25519" : "rsa") + " public key required";
        }

        if (followsChain && key is IssuerKey.Ed25519 organization)
        {
            if (!TrustChain.TryFollow(Claims, organization.PublicKey.Span, out var signer, out var problem))
            {
                var known = problem == TrustChain.IdOfAnotherTime ? "id is not based on issued time" : "invalid chain signature";
                return $"{KeyFault}not signed by issuer: {known}";
            }

            key = new IssuerKey.Ed25519(signer);
        }

        return key.Verifies(Algorithm, text.SignedBytes, text.Signature)
            ? null
            : $"token signature is invalid: {(Algorithm == TokenAlgorithms.EdDsa ? "ed25519" : "crypto/rsa")}: verification error";
    }

    /// <summary>Whether it has begun and not ended, by its own claims; null when so.</summary>
    public string? TimeFault(DateTimeOffset now, bool endless) => Claims switch
    {
        null => Malformed,
        { ExpiresAtSeconds: null } when !endless => "token has invalid claims: token has no end",
        { ExpiresAtSeconds: { } end } when now.ToUnixTimeSeconds() >= end => "token has invalid claims: token is expired",
        { NotBeforeSeconds: { } begin } when now.ToUnixTimeSeconds() < begin => "token has invalid claims: token is not valid yet",
        _ => null,
    };

    /// <summary>
    /// Whether the broker takes it for ended because of its chain: its issuer's token has ended, or there is a chain where none may be.
    /// </summary>
    public bool HasChainEnded(DateTimeOffset now) => IsChained
        ? now >= Claims!.ExpiresAt
        : !string.IsNullOrEmpty(Claims?.TrustChainSignature) && Purpose != TokenClaims.ClientPurpose;

    /// <summary>The claims of its kind, once it is believed.</summary>
    /// <exception cref="ChoriaFormatException">They are not of their types.</exception>
    public T ClaimsOf<T>(JsonTypeInfo<T> type)
        where T : TokenClaims => text!.ReadClaims(type);

    private static string PurposeOf(StandardClaims claims, BrokerLeniency leniency) =>
        !string.IsNullOrEmpty(claims.Purpose) ? claims.Purpose
        : leniency.ProvisioningWithoutPurpose && claims.Subject == TokenClaims.ProvisioningPurpose ? TokenClaims.ProvisioningPurpose
        : "";
}

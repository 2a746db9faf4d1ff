namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;

/// <summary>
/// Which tokens a broker believes. <see cref="TokenTrust"/> is how nodes and we verify; a broker differs: it demands that a token names its
/// organisation, it looks for the purpose before anything else, it says what is wrong in Choria's words, and Choria's own overlooks what
/// <see cref="BrokerLeniency"/> lists.
/// </summary>
internal sealed class BrokerTokens(BrokerSettings settings, DateTimeOffset now)
{
    private const string NoOrganization = "no ou claim in token";

    /// <summary>A client token by the organisation's issuer alone, as the provisioner must have.</summary>
    public bool TryReadOfIssuer(
        PresentedToken token, [NotNullWhen(true)] out ClientClaims? claims, [NotNullWhen(false)] out string? fault)
    {
        claims = null;
        var organization = token.Claims?.Organization ?? "";
        fault = token.Malformed.Length > 0 ? token.Malformed
            : organization.Length == 0 ? NoOrganization
            : !settings.Issuers.TryGetValue(organization, out var issuer)
                ? $"no issuer configured for ou '{BrokerText.Shown(organization)}'"
            : Prefixed($"failed to parse client token issued by the {organization} chain: ", ClientFault(token, issuer));
        return fault is null && TryReadClaims(token, TokenJson.Wire.ClientClaims, out claims, out fault);
    }

    /// <summary>A client token by the organisation's issuer or, where there are none, by a signer of clients.</summary>
    public bool TryRead(PresentedToken token, [NotNullWhen(true)] out ClientClaims? claims, [NotNullWhen(false)] out string? fault)
    {
        if (settings.HasIssuers)
        {
            return TryReadOfIssuer(token, out claims, out fault)
                && IsComplete(ref claims, claims.CallerId, "no callerid in claims", out fault);
        }

        claims = null;
        fault = settings.ClientSigners.Count == 0
            ? "no Client JWT signer or Organization Issuer set, denying all clients"
            : FaultOfAll(settings.ClientSigners, signer => ClientFault(token, signer));
        return fault is null
            && TryReadClaims(token, TokenJson.Wire.ClientClaims, out claims, out fault)
            && IsComplete(ref claims, claims.CallerId, "no callerid in claims", out fault);
    }

    /// <summary>A server token by the organisation's issuer or, where there are none, by a signer of nodes.</summary>
    public bool TryRead(PresentedToken token, [NotNullWhen(true)] out ServerClaims? claims, [NotNullWhen(false)] out string? fault)
    {
        claims = null;
        fault = settings.HasIssuers ? ServerFaultOfIssuer(token)
            : settings.ServerSigners.Count == 0 ? "no Server JWT signer or Organization Issuer set, denying all servers"
            : FaultOfAll(settings.ServerSigners, signer => ServerFault(token, signer));
        return fault is null
            && TryReadClaims(token, TokenJson.Wire.ServerClaims, out claims, out fault)
            && IsComplete(ref claims, claims.Identity, "identity not in claims", out fault);
    }

    /// <summary>Why a token is no provisioning token of this network; null when it is.</summary>
    public string? ProvisioningFault(PresentedToken token)
    {
        if (token.Malformed.Length > 0)
        {
            return $"could not determine token algorithm: {token.Malformed}";
        }

        var organization = token.Claims?.Organization ?? "";
        var key = settings.ProvisioningSigner;
        if (token.Algorithm == TokenAlgorithms.EdDsa && settings.HasIssuers)
        {
            key = settings.Issuers.GetValueOrDefault(organization);
            var fault = organization.Length == 0 ? NoOrganization
                : key is null ? $"no issuer found for ou {BrokerText.Shown(organization)}"
                : settings.ProvisionerPassword is null ? "provisioning user password not enabled"
                : null;
            if (fault is not null)
            {
                return fault;
            }
        }

        // A chain is never followed here: the organisation's issuer itself signs provisioning tokens.
        return key is null
            ? "provisioning is not enabled"
            : Prefixed("could not parse provisioner token: ", SignatureAndTimeFault(token, key, followsChain: false))
                ?? (token.Purpose == TokenClaims.ProvisioningPurpose ? null : "not a provisioning token")
                ?? (token.HasChainEnded(now) ? "token is expired" : null);
    }

    private static string? Prefixed(string prefix, string? fault) => fault is null ? null : prefix + fault;

    // The last one's fault is told, as Choria does.
    private static string? FaultOfAll(IReadOnlyList<IssuerKey> signers, Func<IssuerKey, string?> faultBy)
    {
        string? fault = null;
        foreach (var signer in signers)
        {
            fault = faultBy(signer);
            if (fault is null)
            {
                return null;
            }
        }

        return fault;
    }

    private string? ServerFaultOfIssuer(PresentedToken token)
    {
        var organization = token.Claims?.Organization ?? "";
        return organization.Length == 0 ? NoOrganization
            : !settings.Issuers.TryGetValue(organization, out var issuer) ? $"no issuer found for ou {BrokerText.Shown(organization)}"
            : Prefixed($"failed to parse token issued by the {organization} chain: ", ServerFault(token, issuer));
    }

    private string? ClientFault(PresentedToken token, IssuerKey issuer) =>
        Prefixed("could not parse client id token: ", SignatureAndTimeFault(token, issuer, FollowsChain(token)))
        ?? (token.Purpose == TokenClaims.ClientPurpose ? null : "not a client token")
        ?? (token.HasChainEnded(now) ? "token is expired" : null);

    private string? ServerFault(PresentedToken token, IssuerKey issuer) =>
        Prefixed("could not parse server id token: ", SignatureAndTimeFault(token, issuer, token.IsChained))
        ?? (token.Purpose == TokenClaims.ServerPurpose ? null : "not a server token")
        ?? (token.HasChainEnded(now) ? "token is expired" : null);

    private bool FollowsChain(PresentedToken token) =>
        token.IsChained || (!settings.Leniency.UnheededIssuerChains && token.Purpose == TokenClaims.ClientPurpose);

    private string? SignatureAndTimeFault(PresentedToken token, IssuerKey key, bool followsChain) =>
        token.SignatureFault(key, followsChain) ?? token.TimeFault(now, settings.Leniency.TokensWithoutEnd);

    private static bool TryReadClaims<T>(
        PresentedToken token, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? claims, [NotNullWhen(false)] out string? fault)
        where T : TokenClaims
    {
        try
        {
            (claims, fault) = (token.ClaimsOf(type), null);
        }
        catch (ChoriaFormatException unreadable)
        {
            (claims, fault) = (null, $"token is malformed: {unreadable.Message}");
        }

        return fault is null;
    }

    private static bool IsComplete<T>(
        [NotNullWhen(true)] ref T? claims, string name, string withoutName, [NotNullWhen(false)] out string? fault)
        where T : TokenClaims
    {
        fault = name.Length == 0 ? withoutName : string.IsNullOrEmpty(claims?.PublicKey) ? "no public key in claims" : null;
        claims = fault is null ? claims : null;
        return fault is null;
    }
}

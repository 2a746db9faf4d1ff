using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Judges a client token that the silo shows to brokers and nodes, with its seed, before anybody meets them. Pure.</summary>
internal static class ClientTokenCheck
{
    private const string Reprovision = "choria_provision.reprovision";

    /// <summary>The claims of the token in a file; null when it is no client token, with what is wrong.</summary>
    public static ClientClaims? ReadOrNull(string token, out string? fault)
    {
        var isRead = ChoriaToken.TryReadUnverified(token, out ClientClaims? claims, out var unread);
        fault = isRead
            ? null
            : $"names a file that holds no client token ({unread!.Field} {unread.Problem}); make one with 'choria jwt client'";
        return claims;
    }

    /// <summary>What every such token must be, each a phrase that follows the name of its setting.</summary>
    /// <param name="token">The token's text.</param>
    /// <param name="claims">Its claims.</param>
    /// <param name="seed">The text of the seed's file; null when that is another setting's fault already.</param>
    /// <param name="trust">Whom brokers and nodes trust; null when no issuers are configured.</param>
    /// <param name="now">The time.</param>
    public static IEnumerable<string> Faults(string token, ClientClaims claims, string? seed, TokenTrust? trust, DateTimeOffset now)
    {
        if (seed is not null && PublicKeyOrNull(seed) is { } key && claims.PublicKey != key)
        {
            yield return $"names a token for the public key {Shown(claims.PublicKey)}, and its seed has {Shown(key)}; "
                + $"make the token with --public-key {key}";
        }

        if (claims.ExpiresAt == DateTimeOffset.MinValue)
        {
            yield return "names a token without an end, which nodes count as expired; make one with --validity";
        }
        else if (now >= claims.ExpiresAt)
        {
            yield return $"names a token that expired at {claims.ExpiresAt:O}; make a new one";
        }

        if (claims.NotBeforeSeconds is { } begin && now.ToUnixTimeSeconds() < begin)
        {
            yield return $"names a token that is not valid before {DateTimeOffset.FromUnixTimeSeconds(begin):O}; "
                + "wait, or set this machine's clock";
        }

        if (trust is not null && SignatureFault(token, claims, trust) is { } untrusted)
        {
            yield return $"names a token that Provisioning:Issuers does not vouch for: {untrusted}; "
                + "have it signed by the organisation issuer, or name the issuer that signed it there";
        }
    }

    /// <summary>What a token that signs requests to nodes must be besides.</summary>
    /// <param name="claims">Its claims.</param>
    /// <param name="caller">Who we say that we are.</param>
    /// <param name="isAuthorizedByToken">Whether nodes look into the token for what it may do (<c>rpcauthprovider: aaasvc</c>).</param>
    public static IEnumerable<string> CallerFaults(ClientClaims claims, string caller, bool isAuthorizedByToken)
    {
        if (claims.CallerId != caller)
        {
            yield return $"names a token of the caller '{claims.CallerId}', and Fleet:Caller is '{caller}': nodes drop such requests; "
                + "make the two the same";
        }

        if (claims.Permissions is not { FleetManagement: true })
        {
            yield return claims.Permissions is { SignedFleetManagement: true }
                ? "names a token with signed_fleet_management, whose requests somebody else would have to sign; give it fleet_management"
                : "names a token without the permission fleet_management, without which nodes drop requests; "
                    + "make one with --fleet-management";
        }
        else if (claims.Permissions.SignedFleetManagement)
        {
            yield return "names a token with signed_fleet_management beside fleet_management: nodes want each request signed by somebody "
                + "else then; leave it out";
        }

        if (isAuthorizedByToken && AgentsFault(claims) is { } fault)
        {
            yield return fault;
        }
    }

    /// <summary>The public key of a seed's text, hexadecimal; null when it is none.</summary>
    public static string? PublicKeyOrNull(string seed)
    {
        try
        {
            using var key = Ed25519Key.FromSeedHex(seed);
            return key.PublicKeyHex;
        }
        catch (ChoriaFormatException)
        {
            return null;
        }
    }

    // Asked of an instant at which it was valid: when that is, is said apart.
    private static string? SignatureFault(string token, ClientClaims claims, TokenTrust trust)
    {
        if (claims.ExpiresAt == DateTimeOffset.MinValue
            || trust.TryVerify(token, claims.ExpiresAt.AddSeconds(-1), out ClientClaims? _, out var fault)
            || fault.Reason is TokenRefusal.Expired or TokenRefusal.NotYetValid)
        {
            return null;
        }

        return fault.Detail;
    }

    // choria-protocol 9.4: exactly one of the two must be there, and each entry must be '*', 'agent.*' or 'agent.action'.
    private static string? AgentsFault(ClientClaims claims)
    {
        if (claims.OpaPolicy is { Length: > 0 })
        {
            return claims.Agents is { Count: > 0 } ? "names a token with agents and a policy, which nodes refuse; give it one of them" : null;
        }

        if (claims.Agents?.FirstOrDefault(agent => !ActionList.IsEntry(agent)) is { } malformed)
        {
            return $"names a token with the agent '{malformed}', which makes nodes refuse it whole; write agent.action, agent.* or *";
        }

        return claims.Agents?.Any(agent => agent is "*" or "choria_provision.*" or Reprovision) == true
            ? null
            : $"names a token that may not call {Reprovision} where nodes have rpcauthprovider aaasvc; "
                + $"make one with --agents {Reprovision}";
    }

    private static string Shown(string? key) => key is { Length: > 8 } ? $"{key[..8]}…" : "of nobody";
}

using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Makes user tokens, as the site's token issuer. Thread-safe.</summary>
internal sealed class UserTokens(OwnTokenIssuer own, IOptions<ChoriaSigningOptions> options, TimeProvider time)
{
    /// <summary>What tokens name as their issuer that an organisation issuer signs itself; chained ones name the chain issuer.</summary>
    public const string IssuerName = "ControlPlane";

    /// <summary>Makes a token. It is worth nothing here until it is in the register.</summary>
    /// <param name="callerId">The caller that it is for.</param>
    /// <param name="publicKey">The hexadecimal key that its holder proved to have.</param>
    /// <param name="rights">What the holder may do at nodes and brokers: everything but the claims that this sets.</param>
    public (string Token, ClientClaims Claims) Issue(string callerId, string publicKey, ClientClaims rights)
    {
        var claims = rights with
        {
            CallerId = callerId,
            PublicKey = publicKey,
            OrganizationUnit = options.Value.Organization,
            Issuer = IssuerName,
        };
        var token = own.Issuer.Issue(
            claims, options.Value.TokenLifetime + OwnTokenIssuer.Backdate, time.GetUtcNow() - OwnTokenIssuer.Backdate);
        return ChoriaToken.TryReadUnverified(token, out ClientClaims? issued, out var fault)
            ? (token, issued)
            : throw new InvalidOperationException($"the user token that was just made cannot be read: {fault}");
    }

    /// <summary>Whether a token was made here, as far as its issuer says: the register must know it then.</summary>
    public bool IsOwn(ClientClaims claims) =>
        claims.Issuer == IssuerName || (claims.Issuer is not null && claims.Issuer == own.ChainedName);
}

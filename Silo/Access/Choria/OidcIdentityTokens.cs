using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Verifies the ID tokens that the provider of <c>Access:Signer:Oidc</c> made for <c>choria-login</c>. Thread-safe.</summary>
internal sealed partial class OidcIdentityTokens(
    IOptions<ChoriaSigningOptions> options, IssuerKeyRings rings, OidcTokens tokens, ILogger<OidcIdentityTokens> logger) : IIdentityTokens
{
    public async ValueTask<VerifiedIdentity?> ReadAsync(string idToken, CancellationToken cancellationToken)
    {
        if (options.Value.Oidc is not { } oidc || rings.OfSigner is not { } provider)
        {
            return null;
        }

        if (!JsonWebTokenText.TryRead(idToken, out var read, out var fault))
        {
            return Refuse(fault);
        }

        var (person, bad) = await tokens.VerifyIdTokenAsync(read, provider, oidc.ClientId, cancellationToken);
        return person is not null && Callers.OfOrNull(person, address: null) is { } caller && read.ExpiresAt is { } end
            ? new VerifiedIdentity(caller, end)
            : Refuse(bad ?? "it has no end");
    }

    private VerifiedIdentity? Refuse(string why)
    {
        LogRefused(why);
        return null;
    }

    [LoggerMessage(LogLevel.Warning, "An ID token is refused: {Why}")]
    private partial void LogRefused(string why);
}

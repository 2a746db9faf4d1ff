namespace ControlPlane.Access;

/// <summary>Says who holds a token that comes through the gateway: an access token of a provider, or one of a file. Thread-safe.</summary>
/// <remarks>Choria's tokens are none of them: they prove nothing without a signature, which a call does not carry.</remarks>
internal sealed class GatewayTokens(AccessTokens files, OidcTokens providers) : ITokenAuthenticator
{
    public async ValueTask<Caller?> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        if (!JsonWebTokenText.Resembles(token))
        {
            return files.HolderOf(token) is { } held
                ? new Caller { Principal = held.Holder, Method = CallerMethod.AccessToken, Roles = held.Roles, CredentialId = held.Id }
                : null;
        }

        return JsonWebTokenText.TryRead(token, out var read, out _) && providers.ProviderOf(read) is { } provider
            && await providers.VerifyAsync(read, provider, cancellationToken) is { Holder: { } holder }
            ? Callers.OfOrNull(holder, address: null)
            : null;
    }
}

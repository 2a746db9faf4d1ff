using Azure.Core;
using Azure.Core.Pipeline;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>
/// Learns from a vault's challenge whom to ask for a token, and for what. Azure's own policy that does so is internal to its packages.
/// </summary>
/// <remarks>
/// A token is sent only to a host below the one that the challenge names: otherwise whoever answers in a vault's stead could name the real
/// one and be given a token that opens it.
/// </remarks>
internal sealed class KeyVaultChallengePolicy(TokenCredential credential)
    : BearerTokenAuthenticationPolicy(credential, "https://vault.azure.net/.default")
{
    private const string WithheldContent = "ControlPlane.WithheldContent";

    private volatile VaultChallenge? known;

    protected override void AuthorizeRequest(HttpMessage message)
    {
        if (known is { } challenge)
        {
            AuthenticateAndAuthorizeRequest(message, challenge.TokenRequest(message));
        }
        else
        {
            Withhold(message);
        }
    }

    protected override async ValueTask AuthorizeRequestAsync(HttpMessage message)
    {
        if (known is { } challenge)
        {
            await AuthenticateAndAuthorizeRequestAsync(message, challenge.TokenRequest(message));
        }
        else
        {
            Withhold(message);
        }
    }

    protected override bool AuthorizeRequestOnChallenge(HttpMessage message)
    {
        if (Learn(message) is not { } challenge)
        {
            return false;
        }

        AuthenticateAndAuthorizeRequest(message, challenge.TokenRequest(message));
        return true;
    }

    protected override async ValueTask<bool> AuthorizeRequestOnChallengeAsync(HttpMessage message)
    {
        if (Learn(message) is not { } challenge)
        {
            return false;
        }

        await AuthenticateAndAuthorizeRequestAsync(message, challenge.TokenRequest(message));
        return true;
    }

    // Nothing of ours goes to a host that has not said who it is.
    private static void Withhold(HttpMessage message)
    {
        if (message.Request.Content is { } content)
        {
            message.SetProperty(WithheldContent, content);
            message.Request.Content = null;
        }
    }

    private VaultChallenge? Learn(HttpMessage message)
    {
        if (message.TryGetProperty(WithheldContent, out var withheld) && message.Request.Content is null)
        {
            message.Request.Content = (RequestContent?)withheld;
        }

        if (message.Response.Headers.TryGetValue("WWW-Authenticate", out var header)
            && VaultChallenge.ReadOrNull(header!, message.Request.Uri.Host!) is { } challenge)
        {
            // Claims are of one request for a token; what is asked for otherwise stays the same.
            known = challenge with { Claims = null };
            return challenge;
        }

        return null;
    }
}

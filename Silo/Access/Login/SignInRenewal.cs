namespace ControlPlane.Access;

/// <summary>Has an access token ready for a control plane: the one that is kept, or another for the refresh token when that ends.</summary>
internal sealed class SignInRenewal(KeptSignIns kept, OidcClient client, TimeProvider time)
{
    // What is about to end could end on its way.
    private static readonly TimeSpan Lead = TimeSpan.FromSeconds(30);

    /// <summary>The token of whoever runs this program.</summary>
    /// <inheritdoc cref="AccessTokenAsync"/>
    public static async Task<string?> TokenOfUserAsync(Uri url, CancellationToken cancellationToken)
    {
        using var http = OidcClient.NewHttp();
        return await new SignInRenewal(KeptSignIns.OfUser(), new OidcClient(http), TimeProvider.System)
            .AccessTokenAsync(url, cancellationToken);
    }

    /// <returns>Null when nobody signed in there.</returns>
    /// <exception cref="SignInException">The sign-in has ended, or the provider does not answer.</exception>
    public async Task<string?> AccessTokenAsync(Uri url, CancellationToken cancellationToken)
    {
        var signIn = kept.Find(url);
        if (signIn is null || IsGood(signIn))
        {
            return signIn?.AccessToken;
        }

        using var held = await kept.LockAsync(url, time, cancellationToken);

        // Another program may have renewed it meanwhile, or signed out.
        signIn = kept.Find(url);
        return signIn is null || IsGood(signIn) ? signIn?.AccessToken : await RenewAsync(signIn, cancellationToken);
    }

    private async Task<string> RenewAsync(KeptSignIn signIn, CancellationToken cancellationToken)
    {
        if (signIn.RefreshToken is not { } refresh)
        {
            throw Ended(signIn, null);
        }

        try
        {
            var endpoints = await client.DiscoverAsync(signIn.Hint.Issuer, cancellationToken);
            var answer = await client.ExchangeAsync(
                endpoints,
                new() { ["grant_type"] = "refresh_token", ["client_id"] = signIn.Hint.ClientId, ["refresh_token"] = refresh },
                cancellationToken);
            var renewed = KeptSignIn.Of(signIn.Url, signIn.Hint, answer, time.GetUtcNow(), refresh);
            kept.Keep(renewed);
            return renewed.AccessToken;
        }
        catch (SignInException refused) when (refused.IsRefusal)
        {
            throw Ended(signIn, refused);
        }
    }

    private bool IsGood(KeptSignIn signIn) => signIn.ExpiresAt is not { } end || end > time.GetUtcNow() + Lead;

    private static SignInException Ended(KeptSignIn signIn, Exception? why) =>
        new($"the sign-in at {signIn.Url} has ended: run controlplane login", why) { IsRefusal = true };
}

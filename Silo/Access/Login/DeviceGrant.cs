namespace ControlPlane.Access;

/// <summary>Signs a person in on another device: the device authorization grant (RFC 8628) at an OpenID Connect provider.</summary>
/// <param name="client">How the provider is reached.</param>
/// <param name="tell">Says to the person where to go, and with which code.</param>
/// <param name="time">The clock.</param>
internal sealed class DeviceGrant(OidcClient client, Action<string> tell, TimeProvider time)
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";

    /// <summary>Nobody keeps a person waiting longer, whatever the provider says.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    /// <summary>The tokens, when the person has signed in.</summary>
    /// <exception cref="SignInException">They have not, or the provider cannot do it.</exception>
    public async Task<OidcTokenAnswer> SignInAsync(SignInHint hint, CancellationToken cancellationToken)
    {
        var endpoints = await client.DiscoverAsync(hint.Issuer, cancellationToken);
        if (endpoints is not { DeviceAuthorizationEndpoint: { Length: > 0 } endpoint, TokenEndpoint: { Length: > 0 } tokenEndpoint })
        {
            throw new SignInException($"{hint.Issuer} names no endpoint for devices: it does not know the device authorization grant");
        }

        var device = await client.PostAsync<DeviceAnswer>(
            endpoint, new() { ["client_id"] = hint.ClientId, ["scope"] = string.Join(' ', hint.Scopes) }, cancellationToken);
        if (device is not { DeviceCode: { } code, UserCode: { } userCode, VerificationUri: { } uri })
        {
            throw new SignInException($"{hint.Issuer} does not let devices sign in: {device.ErrorInWords}");
        }

        tell(device.VerificationUriComplete is { } whole
            ? $"To sign in, open {whole} and compare the code {userCode}"
            : $"To sign in, open {uri} and enter the code {userCode}");
        return await PollAsync(tokenEndpoint, hint.ClientId, code, device, cancellationToken);
    }

    private async Task<OidcTokenAnswer> PollAsync(
        string endpoint, string clientId, string code, DeviceAnswer device, CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(Math.Clamp(device.Interval ?? 5, 0, 60));
        var patience = TimeSpan.FromSeconds(Math.Clamp(device.ExpiresIn ?? 600, 1, PatienceMax.TotalSeconds));
        var begun = time.GetTimestamp();
        while (time.GetElapsedTime(begun) < patience)
        {
            await Task.Delay(interval, time, cancellationToken);
            var answer = await client.PostAsync<OidcTokenAnswer>(
                endpoint,
                new() { ["grant_type"] = GrantType, ["device_code"] = code, ["client_id"] = clientId },
                cancellationToken);
            switch (answer.Error)
            {
                case null:
                    return answer;

                case "authorization_pending":
                    break;

                case "slow_down":
                    interval += SlowDown;
                    break;

                default:
                    throw new SignInException($"signing in failed: {answer.ErrorInWords}") { IsRefusal = true };
            }
        }

        throw new SignInException("nobody signed in in time; try again") { IsRefusal = true };
    }

    private sealed record DeviceAnswer : OAuthAnswer
    {
        public string? DeviceCode { get; init; }

        public string? UserCode { get; init; }

        public string? VerificationUri { get; init; }

        public string? VerificationUriComplete { get; init; }

        public int? ExpiresIn { get; init; }

        public int? Interval { get; init; }
    }
}

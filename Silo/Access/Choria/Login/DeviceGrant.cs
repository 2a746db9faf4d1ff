using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Access;

/// <summary>Signs a person in on another device: the device authorization grant (RFC 8628) at an OpenID Connect provider.</summary>
/// <param name="http">How the provider is reached.</param>
/// <param name="tell">Says to the person where to go, and with which code.</param>
/// <param name="time">The clock.</param>
internal sealed class DeviceGrant(HttpClient http, Action<string> tell, TimeProvider time)
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";

    /// <summary>Nobody keeps a person waiting longer, whatever the provider says.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The ID token, when the person has signed in.</summary>
    /// <exception cref="ChoriaLoginException">They have not, or the provider cannot do it.</exception>
    public async Task<string> SignInAsync(LoginOptionsReply provider, CancellationToken cancellationToken)
    {
        var endpoints = await DiscoverAsync(provider.Issuer, cancellationToken);
        var device = await PostAsync<DeviceAnswer>(
            endpoints.DeviceAuthorizationEndpoint!,
            new() { ["client_id"] = provider.ClientId, ["scope"] = string.Join(' ', provider.Scopes) },
            cancellationToken);
        if (device is not { DeviceCode: { } code, UserCode: { } userCode, VerificationUri: { } uri })
        {
            throw new ChoriaLoginException($"{provider.Issuer} does not let devices sign in: {device.ErrorInWords}");
        }

        tell(device.VerificationUriComplete is { } whole
            ? $"To sign in, open {whole} and compare the code {userCode}"
            : $"To sign in, open {uri} and enter the code {userCode}");
        return await PollAsync(endpoints.TokenEndpoint!, provider.ClientId, code, device, cancellationToken);
    }

    private async Task<string> PollAsync(
        string endpoint, string clientId, string code, DeviceAnswer device, CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(Math.Clamp(device.Interval ?? 5, 0, 60));
        var patience = TimeSpan.FromSeconds(Math.Clamp(device.ExpiresIn ?? 600, 1, PatienceMax.TotalSeconds));
        var begun = time.GetTimestamp();
        while (time.GetElapsedTime(begun) < patience)
        {
            await Task.Delay(interval, time, cancellationToken);
            var answer = await PostAsync<TokenAnswer>(
                endpoint,
                new() { ["grant_type"] = GrantType, ["device_code"] = code, ["client_id"] = clientId },
                cancellationToken);
            switch (answer)
            {
                case { IdToken: { Length: > 0 } idToken }:
                    return idToken;

                case { Error: "authorization_pending" }:
                    break;

                case { Error: "slow_down" }:
                    interval += SlowDown;
                    break;

                case { Error: null }:
                    throw new ChoriaLoginException("the identity provider gave no ID token; ask for the scope openid");

                default:
                    throw new ChoriaLoginException($"signing in failed: {answer.ErrorInWords}");
            }
        }

        throw new ChoriaLoginException("nobody signed in in time; try again");
    }

    private async Task<Endpoints> DiscoverAsync(string issuer, CancellationToken cancellationToken)
    {
        try
        {
            var found = await http.GetFromJsonAsync<Endpoints>(
                $"{issuer.TrimEnd('/')}/.well-known/openid-configuration", Json, cancellationToken);
            if (found is not { DeviceAuthorizationEndpoint.Length: > 0, TokenEndpoint.Length: > 0 })
            {
                throw new ChoriaLoginException($"{issuer} names no endpoint for devices: it does not know the device authorization grant");
            }

            // Who answers in another's name could have the person sign in there.
            return found.Issuer == issuer
                ? found
                : throw new ChoriaLoginException($"{issuer} calls itself '{found.Issuer}'");
        }
        catch (Exception away) when (away is HttpRequestException or JsonException)
        {
            throw new ChoriaLoginException($"the identity provider {issuer} does not answer: {away.Message}", away);
        }
    }

    private async Task<T> PostAsync<T>(string endpoint, Dictionary<string, string> form, CancellationToken cancellationToken)
        where T : OAuthAnswer
    {
        try
        {
            using var content = new FormUrlEncodedContent(form);
            using var response = await http.PostAsync(new Uri(endpoint), content, cancellationToken);
            return await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw new JsonException("it is empty");
        }
        catch (Exception away) when (away is HttpRequestException or JsonException or UriFormatException)
        {
            throw new ChoriaLoginException($"the identity provider does not answer at {endpoint}: {away.Message}", away);
        }
    }

    private sealed record Endpoints(string? Issuer, string? DeviceAuthorizationEndpoint, string? TokenEndpoint);

    private abstract record OAuthAnswer
    {
        public string? Error { get; init; }

        public string? ErrorDescription { get; init; }

        [JsonIgnore]
        public string ErrorInWords => ErrorDescription ?? Error ?? "it does not say why";
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

    private sealed record TokenAnswer : OAuthAnswer
    {
        public string? IdToken { get; init; }
    }
}

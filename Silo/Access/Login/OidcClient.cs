using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Access;

/// <summary>An OpenID Connect provider as programs of this machine call it: discovery, and forms to its endpoints.</summary>
internal sealed class OidcClient(HttpClient http)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>What calls providers: it follows no redirects, which could lead a code or a token elsewhere.</summary>
    public static HttpClient NewHttp() => new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Patience };

    /// <summary>What the provider says of itself.</summary>
    /// <exception cref="SignInException">It does not answer, or answers in another's name.</exception>
    public async Task<OidcEndpoints> DiscoverAsync(string issuer, CancellationToken cancellationToken)
    {
        if (!OptionFaults.IsSafeUrl(issuer))
        {
            throw new SignInException($"the identity provider {issuer} is neither https:// nor on this machine");
        }

        try
        {
            var found = await http.GetFromJsonAsync<OidcEndpoints>(
                $"{issuer.TrimEnd('/')}/.well-known/openid-configuration", Json, cancellationToken);

            // Who answers in another's name could have the person sign in there.
            return found?.Issuer == issuer ? found : throw new SignInException($"{issuer} calls itself '{found?.Issuer}'");
        }
        catch (Exception away) when (IsAway(away, cancellationToken))
        {
            throw new SignInException($"the identity provider {issuer} does not answer: {away.Message}", away);
        }
    }

    /// <exception cref="SignInException">It does not answer.</exception>
    public async Task<T> PostAsync<T>(string endpoint, Dictionary<string, string> form, CancellationToken cancellationToken)
        where T : OAuthAnswer
    {
        try
        {
            using var content = new FormUrlEncodedContent(form);
            using var response = await http.PostAsync(new Uri(endpoint), content, cancellationToken);
            return await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw new JsonException("it is empty");
        }
        catch (Exception away) when (IsAway(away, cancellationToken))
        {
            throw new SignInException($"the identity provider does not answer at {endpoint}: {away.Message}", away);
        }
    }

    /// <summary>Tokens for a code or a refresh token.</summary>
    /// <exception cref="SignInException">It does not answer, or refuses.</exception>
    public async Task<OidcTokenAnswer> ExchangeAsync(
        OidcEndpoints endpoints, Dictionary<string, string> form, CancellationToken cancellationToken)
    {
        if (endpoints.TokenEndpoint is not { Length: > 0 } endpoint)
        {
            throw new SignInException($"{endpoints.Issuer} names no endpoint for tokens");
        }

        var answer = await PostAsync<OidcTokenAnswer>(endpoint, form, cancellationToken);
        return answer.Error is null ? answer : throw new SignInException($"signing in failed: {answer.ErrorInWords}") { IsRefusal = true };
    }

    private static bool IsAway(Exception fault, CancellationToken cancellationToken) => fault is HttpRequestException or JsonException
        or UriFormatException or NotSupportedException
        || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}

/// <summary>Where a provider is asked what, as far as programs ask it.</summary>
internal sealed record OidcEndpoints(
    string? Issuer,
    string? AuthorizationEndpoint,
    string? DeviceAuthorizationEndpoint,
    string? TokenEndpoint,
    string? RevocationEndpoint);

internal record OAuthAnswer
{
    public string? Error { get; init; }

    public string? ErrorDescription { get; init; }

    [JsonIgnore]
    public string ErrorInWords => ErrorDescription is null ? Error ?? "it does not say why" : $"{Error}: {ErrorDescription}";
}

internal sealed record OidcTokenAnswer : OAuthAnswer
{
    public string? IdToken { get; init; }

    public string? AccessToken { get; init; }

    public string? RefreshToken { get; init; }

    /// <summary>For how many seconds the access token is good.</summary>
    public int? ExpiresIn { get; init; }

    // Records print their members; this one's would end up in a log.
    public override string ToString() => Error ?? "tokens";
}

/// <summary>Somebody could not sign in; the message is for them.</summary>
internal sealed class SignInException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the provider said no, and trying again does not help.</summary>
    public bool IsRefusal { get; init; }
}

using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ControlPlane.Access;

/// <summary>
/// Verifies what providers signed, the same for whoever shows it and wherever: at the API, at the gateway, at a log-in. Thread-safe.
/// </summary>
internal sealed class OidcTokens(IOptions<OidcOptions> options, IssuerKeyRings rings, TimeProvider time)
{
    /// <summary>How far the provider's clock may be from ours.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private const string NoAccessToken = "the token says that it is an access token";

    private readonly JsonWebTokenHandler _handler = NewHandler();

    public static JsonWebTokenHandler NewHandler() =>
        new() { MapInboundClaims = false, MaximumTokenSizeInBytes = JsonWebTokenText.LengthMax };

    /// <summary>The name of the provider whose access token it says it is; null when nobody trusts that provider.</summary>
    public string? ProviderOf(JsonWebTokenText token) =>
        options.Value.Issuers.FirstOrDefault(issuer => issuer.Value.Issuer == token.Issuer).Key;

    /// <summary>How access tokens of a provider are verified.</summary>
    public TokenValidationParameters AccessTokensOf(string provider)
    {
        var keys = rings.Of(provider);
        var parameters = ParametersOf(keys);
        parameters.ValidAudiences = keys.Settings.Audiences;
        parameters.ValidTypes = keys.Settings.TypesInForce;
        return parameters;
    }

    /// <summary>How ID tokens are verified that a provider made for one of our clients there.</summary>
    public TokenValidationParameters IdTokensOf(string provider, string clientId)
    {
        var parameters = ParametersOf(rings.Of(provider));
        parameters.ValidAudience = clientId;
        parameters.TypeValidator = (type, _, _) => OidcIssuerOptions.IsOfAccessTokens(type)
            ? throw new SecurityTokenInvalidTypeException(NoAccessToken)
            : type;
        return parameters;
    }

    /// <summary>Has the provider asked for a key that is not known; says why its tokens cannot be verified now.</summary>
    public async Task<string?> SeekKeyAsync(string provider, string? keyId, CancellationToken cancellationToken)
    {
        var keys = rings.Of(provider);
        await keys.SeekAsync(keyId, cancellationToken);
        return keys.AreUsable ? null : $"the identity provider {keys.Name} has been away for too long to go by its last keys";
    }

    /// <summary>Who holds a verified access token; null with the fault.</summary>
    public ClaimsPrincipal? HolderOf(JsonWebTokenText token, string provider, out string? fault) =>
        OidcClaims.Judge(token.Claims, rings.Of(provider).Settings, time.GetUtcNow(), out fault);

    /// <summary>Whom a verified ID token is of; null with the fault.</summary>
    public ClaimsPrincipal? PersonOf(JsonWebTokenText token, string provider, string clientId, out string? fault) =>
        OidcClaims.JudgeIdToken(token.Claims, rings.Of(provider).Settings, clientId, time.GetUtcNow(), out fault);

    /// <summary>Verifies an access token of a provider; null with the fault, which holds nothing of the token.</summary>
    public async Task<(ClaimsPrincipal? Holder, string? Fault)> VerifyAsync(
        JsonWebTokenText token, string provider, CancellationToken cancellationToken)
    {
        var fault = await FaultOfAsync(token, provider, AccessTokensOf(provider), cancellationToken);
        return fault is null ? (HolderOf(token, provider, out fault), fault) : (null, fault);
    }

    /// <summary>Verifies an ID token that a provider made for a client; null with the fault, which holds nothing of the token.</summary>
    public async Task<(ClaimsPrincipal? Person, string? Fault)> VerifyIdTokenAsync(
        JsonWebTokenText token, string provider, string clientId, CancellationToken cancellationToken)
    {
        var fault = await FaultOfAsync(token, provider, IdTokensOf(provider, clientId), cancellationToken);
        return fault is null ? (PersonOf(token, provider, clientId, out fault), fault) : (null, fault);
    }

    private async Task<string?> FaultOfAsync(
        JsonWebTokenText token, string provider, TokenValidationParameters parameters, CancellationToken cancellationToken)
    {
        if (await SeekKeyAsync(provider, token.KeyId, cancellationToken) is { } away)
        {
            return away;
        }

        var result = await _handler.ValidateTokenAsync(token.Text, parameters);
        return result.IsValid ? null : $"the token is not good: {result.Exception.GetType().Name}";
    }

    private TokenValidationParameters ParametersOf(IssuerKeys keys) => new()
    {
        ValidIssuer = keys.Settings.Issuer,
        ValidAlgorithms = keys.Settings.AlgorithmsInForce,
        IssuerSigningKeyResolver = (_, _, keyId, _) => keys.Of(keyId),
        RequireSignedTokens = true,
        RequireExpirationTime = true,

        // A token names its key, and no other is tried.
        TryAllIssuerSigningKeys = false,
        LifetimeValidator = (begin, end, _, _) => IsInForce(begin, end),
    };

    private bool IsInForce(DateTime? begin, DateTime? end)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return end is { } at && at > now - ClockSkew && at <= now + options.Value.TokenLifetimeMax + ClockSkew
            && !(begin > now + ClockSkew);
    }
}

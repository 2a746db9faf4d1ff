using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace ControlPlane.Access;

/// <summary>Verifies the ID tokens of the provider of <c>Access:Signer:Oidc</c>, by the keys that it lists. Thread-safe.</summary>
internal sealed partial class OidcIdentityTokens(
    IOptions<ChoriaSigningOptions> options, TimeProvider time, ILogger<OidcIdentityTokens> logger) : IIdentityTokens, IDisposable
{
    /// <summary>Real ones are 1,000 to 3,000 characters; those with many groups several times that.</summary>
    private const int LengthMax = 32 * 1024;

    private const int AnswerBytesMax = 512 * 1024;
    private const string GroupsClaim = "groups";
    private const string AccessTokenType = "at+jwt";

    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Asymmetric ones: the provider alone can sign. No header chooses any other.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.EcdsaSha384,
    ];

    private readonly HttpClient http =
        new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Patience, MaxResponseContentBufferSize = AnswerBytesMax };

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private ConfigurationManager<OpenIdConnectConfiguration>? provider;

    public async ValueTask<VerifiedIdentity?> ReadAsync(string idToken, CancellationToken cancellationToken)
    {
        if (options.Value.Oidc is not { } oidc || idToken.Length > LengthMax)
        {
            return null;
        }

        try
        {
            var keys = Provider(oidc);
            var result = await VerifyAsync(idToken, oidc, await keys.GetConfigurationAsync(cancellationToken));
            if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
            {
                // It has rolled its keys: asked again, at most once in five minutes.
                keys.RequestRefresh();
                result = await VerifyAsync(idToken, oidc, await keys.GetConfigurationAsync(cancellationToken));
            }

            return result.IsValid ? IdentityOf((JsonWebToken)result.SecurityToken, oidc) : Refuse(result.Exception.GetType().Name);
        }
        catch (Exception away) when (away is InvalidOperationException or IOException or HttpRequestException)
        {
            LogAway(oidc.Issuer, (away.InnerException ?? away).Message);
            return null;
        }
    }

    public void Dispose() => http.Dispose();

    private ConfigurationManager<OpenIdConnectConfiguration> Provider(ChoriaOidcOptions oidc) => LazyInitializer.EnsureInitialized(
        ref provider,
        () => new ConfigurationManager<OpenIdConnectConfiguration>(
            $"{oidc.Issuer.TrimEnd('/')}/.well-known/openid-configuration",
            new OpenIdConnectConfigurationRetriever(),
            new HttpDocumentRetriever(http) { RequireHttps = !new Uri(oidc.Issuer).IsLoopback }));

    private Task<TokenValidationResult> VerifyAsync(string idToken, ChoriaOidcOptions oidc, OpenIdConnectConfiguration configuration) =>
        handler.ValidateTokenAsync(idToken, new TokenValidationParameters
        {
            ValidIssuer = oidc.Issuer,
            ValidAudience = oidc.ClientId,
            IssuerSigningKeys = configuration.SigningKeys,
            ValidAlgorithms = Algorithms,
            RequireExpirationTime = true,
            LifetimeValidator = (begin, end, _, _) => IsWithin(begin, end),
        });

    private bool IsWithin(DateTime? begin, DateTime? end)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return end is { } last && now - ClockSkew < last && !(begin > now + ClockSkew);
    }

    private VerifiedIdentity? IdentityOf(JsonWebToken token, ChoriaOidcOptions oidc)
    {
        if (token.Typ?.Equals(AccessTokenType, StringComparison.OrdinalIgnoreCase) == true
            || (token.TryGetPayloadValue("azp", out string? party) && party != oidc.ClientId))
        {
            return Refuse("it is no ID token for this client");
        }

        var groups = token.Claims.Where(claim => claim.Type == GroupsClaim).Select(claim => claim.Value).ToList();
        return token.Subject is { Length: > 0 and <= 256 } principal && !principal.Any(char.IsControl)
            ? new VerifiedIdentity(
                new Caller { Principal = principal, Method = CallerMethod.Oidc, Groups = groups, CredentialId = token.Id },
                token.ValidTo)
            : Refuse("its sub is no name");
    }

    private VerifiedIdentity? Refuse(string why)
    {
        LogRefused(why);
        return null;
    }

    [LoggerMessage(LogLevel.Warning, "An ID token is refused: {Why}")]
    private partial void LogRefused(string why);

    [LoggerMessage(LogLevel.Warning, "The identity provider {Issuer} does not say its keys: {Fault}")]
    private partial void LogAway(string issuer, string fault);
}

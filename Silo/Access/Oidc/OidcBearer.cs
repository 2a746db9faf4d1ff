using ControlPlane.Flow;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ControlPlane.Access;

/// <summary>How tokens of each provider are verified: a scheme of ASP.NET's for each.</summary>
internal sealed class OidcBearer(IOptions<OidcOptions> options, IssuerKeyRings rings, TimeProvider time)
    : IConfigureNamedOptions<JwtBearerOptions>
{
    /// <summary>How far the provider's clock may be from ours.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private const string SchemePrefix = "Oidc:";

    public static string SchemeOf(string issuer) => SchemePrefix + issuer;

    public static void AddTo(AuthenticationBuilder authentication, IConfiguration configuration)
    {
        var services = authentication.Services;
        services.AddSingleton<IValidateOptions<OidcOptions>, OidcOptionsValidator>();
        services.AddOptions<OidcOptions>().BindConfiguration(OidcOptions.Section).ValidateOnStart();
        services.AddSingleton<IssuerKeyRings>();
        services.AddRounds<IssuerKeyRings>(keys => keys.Rounds);
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, OidcBearer>();
        foreach (var issuer in configuration.GetSection($"{OidcOptions.Section}:{nameof(OidcOptions.Issuers)}").GetChildren())
        {
            authentication.AddJwtBearer(SchemeOf(issuer.Key), _ => { });
        }
    }

    public void Configure(JwtBearerOptions options)
    {
    }

    public void Configure(string? name, JwtBearerOptions bearer)
    {
        if (name?.StartsWith(SchemePrefix, StringComparison.Ordinal) != true)
        {
            return;
        }

        var key = name[SchemePrefix.Length..];
        var issuer = options.Value.Issuers[key];
        bearer.ConfigurationManager = rings.Of(key);
        bearer.RefreshOnIssuerKeyNotFound = false;
        bearer.MapInboundClaims = false;
        bearer.SaveToken = false;
        bearer.IncludeErrorDetails = false;
        bearer.TokenHandlers.Clear();
        bearer.TokenHandlers.Add(
            new JsonWebTokenHandler { MapInboundClaims = false, MaximumTokenSizeInBytes = JsonWebTokenText.LengthMax });
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = issuer.Issuer,
            ValidAudiences = issuer.Audiences,
            ValidAlgorithms = issuer.AlgorithmsInForce,
            ValidTypes = issuer.TypesInForce,
            RequireSignedTokens = true,
            RequireExpirationTime = true,

            // A token names its key, and no other is tried.
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = (begin, end, _, _) => IsInForce(begin, end),
        };
        bearer.Events = new JwtBearerEvents
        {
            OnMessageReceived = context => SeekKeyAsync(context, rings.Of(key)),
            OnTokenValidated = context =>
            {
                Accept(context, issuer);
                return Task.CompletedTask;
            },
        };
    }

    private bool IsInForce(DateTime? begin, DateTime? end)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return end is { } at && at > now - ClockSkew && at <= now + options.Value.TokenLifetimeMax + ClockSkew
            && !(begin > now + ClockSkew);
    }

    // What the selector has read; the handler would take it from the header by itself.
    private static async Task SeekKeyAsync(MessageReceivedContext context, IssuerKeys keys)
    {
        if (PresentedCredential.Of(context.HttpContext).Token is not { } token)
        {
            context.NoResult();
            return;
        }

        await keys.SeekAsync(token.KeyId, context.HttpContext.RequestAborted);
        if (!keys.AreUsable)
        {
            context.Fail($"the identity provider {keys.Name} has been away for too long to go by its last keys");
            return;
        }

        context.Token = token.Text;
    }

    private void Accept(TokenValidatedContext context, OidcIssuerOptions issuer)
    {
        var token = PresentedCredential.Of(context.HttpContext).Token!;
        if (OidcClaims.Judge(token.Claims, issuer, time.GetUtcNow(), out var fault) is { } principal)
        {
            context.Principal = principal;
        }
        else
        {
            context.Fail(fault!);
        }
    }
}

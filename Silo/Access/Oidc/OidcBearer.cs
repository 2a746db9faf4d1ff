using ControlPlane.Flow;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>How requests are authenticated by tokens of each provider: a scheme of ASP.NET's for each.</summary>
internal sealed class OidcBearer(OidcTokens tokens) : IConfigureNamedOptions<JwtBearerOptions>
{
    private const string SchemePrefix = "Oidc:";

    public static string SchemeOf(string issuer) => SchemePrefix + issuer;

    public static void AddTo(AuthenticationBuilder authentication, IConfiguration configuration)
    {
        var services = authentication.Services;
        services.AddSingleton<IValidateOptions<OidcOptions>, OidcOptionsValidator>();
        services.AddOptions<OidcOptions>().BindConfiguration(OidcOptions.Section).ValidateOnStart();
        services.AddSingleton(provider => new SiteDataProtection(() => SealKey.ReadKeys(provider)));
        services.AddSingleton<KeptAnswers>();
        services.AddSingleton<IssuerKeyRings>();
        services.AddRounds<IssuerKeyRings>(keys => keys.Rounds);
        services.AddSingleton<OidcTokens>();
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

        var provider = name[SchemePrefix.Length..];
        bearer.MapInboundClaims = false;
        bearer.SaveToken = false;
        bearer.IncludeErrorDetails = false;
        bearer.TokenHandlers.Clear();
        bearer.TokenHandlers.Add(OidcTokens.NewHandler());
        bearer.TokenValidationParameters = tokens.AccessTokensOf(provider);
        bearer.Events = new JwtBearerEvents
        {
            OnMessageReceived = context => SeekKeyAsync(context, provider),
            OnTokenValidated = context =>
            {
                Accept(context, provider);
                return Task.CompletedTask;
            },
        };
    }

    // What the selector has read; the handler would take it from the header by itself.
    private async Task SeekKeyAsync(MessageReceivedContext context, string provider)
    {
        if (PresentedCredential.Of(context.HttpContext).Token is not { } token)
        {
            context.NoResult();
        }
        else if (await tokens.SeekKeyAsync(provider, token.KeyId, context.HttpContext.RequestAborted) is { } away)
        {
            context.Fail(away);
        }
        else
        {
            context.Token = token.Text;
        }
    }

    private void Accept(TokenValidatedContext context, string provider)
    {
        if (tokens.HolderOf(PresentedCredential.Of(context.HttpContext).Token!, provider, out var fault) is { } holder)
        {
            context.Principal = holder;
        }
        else
        {
            context.Fail(fault!);
        }
    }
}

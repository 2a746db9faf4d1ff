using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Who may call.</summary>
internal static class AccessRegistration
{
    /// <summary>The scheme that asks the one whose credential a request shows.</summary>
    private const string SelectorScheme = "Access";

    /// <summary>Every endpoint demands an authenticated caller, unless it says otherwise.</summary>
    public static WebApplicationBuilder AddAccess(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<IValidateOptions<ApiOptions>, ApiOptionsValidator>();
        services.AddSingleton<IValidateOptions<ApiOptions>, ApiCertificateValidator>();
        services.AddOptions<ApiOptions>().BindConfiguration(ApiOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<TokensOptions>, TokensOptionsValidator>();
        services.AddOptions<TokensOptions>().BindConfiguration(TokensOptions.Section).ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(new AccessDemand(AccessMethods.AnyIn(builder.Configuration)));
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<ITokenAuthenticator, GatewayTokens>();
        services.AddSingleton<IIdentityTokens, OidcIdentityTokens>();
        services.AddAccessPolicyFile();
        services.AddAudit();
        services.AddSingleton<AccessGuard>();
        services.AddSingleton(SealKey.SealOf);
        services.AddSingleton<IValidateOptions<SitesOptions>, SealKeyValidator>();
        services.AddSingleton<AuthenticationMeter>();

        // Keys that protect cookies would otherwise be kept in the home directory; ConsoleSignIn, which has cookies, has the site's.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        var authentication = services.AddAuthentication(SelectorScheme)
            .AddPolicyScheme(SelectorScheme, null, scheme =>
            {
                scheme.ForwardDefaultSelector = context => PresentedCredential.Of(context).Scheme;
                scheme.ForwardChallenge = TokenAuthentication.SchemeName;
            })
            .AddScheme<AuthenticationSchemeOptions, LocalAuthentication>(LocalAuthentication.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, RefusedAuthentication>(RefusedAuthentication.SchemeName, null);
        OidcBearer.AddTo(authentication, builder.Configuration);
        ConsoleSignIn.AddTo(authentication, builder.Configuration);
        ClientCertificates.AddTo(authentication);
        ChoriaAuthentication.AddTo(authentication);
        CallLimits.AddTo(services);
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        return builder;
    }
}

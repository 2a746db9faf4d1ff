using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Who may call.</summary>
internal static class AccessRegistration
{
    /// <summary>Every endpoint demands an authenticated caller, unless it says otherwise.</summary>
    public static WebApplicationBuilder AddAccess(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<ApiOptions>, ApiOptionsValidator>();
        builder.Services.AddSingleton<IValidateOptions<ApiOptions>, ApiCertificateValidator>();
        builder.Services.AddOptions<ApiOptions>().BindConfiguration(ApiOptions.Section).ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<AccessTokens>();
        builder.Services.AddSingleton<IIdentityTokens, OidcIdentityTokens>();
        builder.Services.AddSingleton<ITokenAuthenticator>(services => services.GetRequiredService<AccessTokens>());
        builder.Services.AddAccessPolicyFile();
        builder.Services.AddAudit();
        builder.Services.AddSingleton<AccessGuard>();
        builder.Services.AddSingleton(SealKey.SealOf);
        builder.Services.AddSingleton<IValidateOptions<SitesOptions>, SealKeyValidator>();

        // The core alone: the whole of it keeps keys for cookies, which we have none of, in the home directory.
        builder.Services.AddWebEncoders();
        builder.Services.AddTransient<TokenAuthentication>();
        builder.Services.AddAuthenticationCore(authentication =>
        {
            authentication.AddScheme<TokenAuthentication>(TokenAuthentication.SchemeName, displayName: null);
            authentication.DefaultScheme = TokenAuthentication.SchemeName;
        });
        builder.Services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        return builder;
    }
}

using System.Security.Claims;
using ControlPlane.Console;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>
/// How people sign in at the console: authorization code with PKCE at the provider of <c>Access:SignIn</c>, by ASP.NET's handler.
/// </summary>
internal sealed partial class ConsoleSignIn(
    IOptions<SignInOptions> options,
    IOptions<OidcOptions> oidc,
    IssuerKeyRings rings,
    OidcTokens tokens,
    SignInRecord record,
    TimeProvider time,
    ILogger<ConsoleSignIn> logger) : IConfigureNamedOptions<OpenIdConnectOptions>
{
    public const string SchemeName = "SignIn";

    /// <summary>Where the provider sends browsers back to.</summary>
    public const string SignedInPath = "/access/signed-in";
    public const string SignedOutPath = "/access/signed-out";

    // How long somebody may take at the provider.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private string Provider => options.Value.ProviderIn(oidc.Value)!;

    public static void AddTo(AuthenticationBuilder authentication, IConfiguration configuration)
    {
        var services = authentication.Services;
        services.AddSingleton<IValidateOptions<SignInOptions>, SignInOptionsValidator>();
        services.AddOptions<SignInOptions>().BindConfiguration(SignInOptions.Section).ValidateOnStart();
        if (string.IsNullOrEmpty(configuration[$"{SignInOptions.Section}:{nameof(SignInOptions.ConsoleClientId)}"]))
        {
            return;
        }

        services.Replace(ServiceDescriptor.Singleton<IDataProtectionProvider>(
            provider => provider.GetRequiredService<SiteDataProtection>()));
        services.AddSingleton<RedisSessions>();
        services.AddSingleton<ITicketStore>(provider => provider.GetRequiredService<RedisSessions>());
        services.AddSingleton<SignInRecord>();
        services.AddSingleton<ConsoleSignIn>();
        services.AddSingleton<IConfigureOptions<OpenIdConnectOptions>>(provider => provider.GetRequiredService<ConsoleSignIn>());
        authentication.AddScheme<AuthenticationSchemeOptions, SessionAuthentication>(SessionAuthentication.SchemeName, null);
        authentication.AddOpenIdConnect(SchemeName, _ => { });
    }

    /// <summary>Sends a browser to the provider, and back to a path of ours afterwards; says when that cannot be done now.</summary>
    public async Task BeginAsync(HttpContext context, string backTo)
    {
        if (!rings.Of(Provider).AreUsable && await tokens.SeekKeyAsync(Provider, keyId: null, context.RequestAborted) is { } away)
        {
            await SignInPages.Failed(away, StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
            return;
        }

        await context.ChallengeAsync(SchemeName, new AuthenticationProperties { RedirectUri = backTo });
    }

    /// <summary>Ends a session here first, then the sign-in at the provider, where that can be reached.</summary>
    public async Task EndAsync(HttpContext context)
    {
        await record.BeginAsync(
            Callers.OfOrNull(context)!, "SignOut", () => context.SignOutAsync(SessionAuthentication.SchemeName), context.RequestAborted);
        await (rings.Of(Provider).AreUsable ? context.SignOutAsync(SchemeName) : SignInPages.SignedOut().ExecuteAsync(context));
    }

    public void Configure(OpenIdConnectOptions options)
    {
    }

    public void Configure(string? name, OpenIdConnectOptions console)
    {
        if (name != SchemeName)
        {
            return;
        }

        var keys = rings.Of(Provider);
        console.SignInScheme = console.SignOutScheme = SessionAuthentication.SchemeName;
        console.ConfigurationManager = keys;
        console.BackchannelHttpHandler = IssuerKeys.Handler(keys.Settings.CaFile);
        console.BackchannelTimeout = IssuerKeys.Patience;
        console.RequireHttpsMetadata = !new Uri(keys.Settings.Issuer).IsLoopback;
        console.ClientId = options.Value.ConsoleClientId;
        console.ClientSecret = options.Value.ConsoleClientSecretFile is { Length: > 0 } file ? File.ReadAllText(file).Trim() : null;
        console.Scope.Clear();
        options.Value.ScopesInForce.ToList().ForEach(console.Scope.Add);
        console.ResponseType = OpenIdConnectResponseType.Code;
        console.ResponseMode = OpenIdConnectResponseMode.Query;
        console.UsePkce = true;
        console.CallbackPath = SignedInPath;
        console.SignedOutCallbackPath = SignedOutPath;
        console.RemoteSignOutPath = default;
        console.RemoteAuthenticationTimeout = Patience;
        console.DisableTelemetry = true;
        console.MapInboundClaims = false;
        console.ClaimActions.Clear();
        console.TokenHandler = OidcTokens.NewHandler();
        console.TokenValidationParameters = tokens.IdTokensOf(Provider, console.ClientId);
        console.RefreshOnIssuerKeyNotFound = false;

        // They come back by a link of the provider's: with Strict no browser would show them.
        foreach (var cookie in (CookieBuilder[])[console.CorrelationCookie, console.NonceCookie])
        {
            (cookie.SameSite, cookie.SecurePolicy) = (SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest);
        }

        console.Events = new OpenIdConnectEvents
        {
            OnTokenResponseReceived = SeekKeyAsync,
            OnTokenValidated = AcceptAsync,
            OnTicketReceived = BeginSessionAsync,
            OnRemoteFailure = RefuseAsync,
            OnRedirectToIdentityProviderForSignOut = LeaveAsync,
            OnSignedOutCallbackRedirect = SayGoodbyeAsync,
        };
    }

    private async Task SeekKeyAsync(TokenResponseReceivedContext context)
    {
        var idToken = context.TokenEndpointResponse.IdToken ?? "";
        var fault = JsonWebTokenText.TryRead(idToken, out var read, out var unreadable)
            ? await tokens.SeekKeyAsync(Provider, read.KeyId, context.HttpContext.RequestAborted)
            : unreadable;
        if (fault is not null)
        {
            context.Fail(fault);
        }
    }

    // Once more and by our own rules: the library looks at no signature here, since the token came by TLS from the provider itself.
    private async Task AcceptAsync(TokenValidatedContext context)
    {
        var text = context.TokenEndpointResponse?.IdToken ?? "";
        ClaimsPrincipal? person = null;
        if (JsonWebTokenText.TryRead(text, out var read, out var fault))
        {
            (person, fault) = await tokens.VerifyIdTokenAsync(
                read, Provider, options.Value.ConsoleClientId, context.HttpContext.RequestAborted);
        }

        if (person is null)
        {
            context.Fail(fault!);
            return;
        }

        context.Principal = person;

        // By it the provider knows at sign-out whose sign-in ends.
        context.Properties!.StoreTokens([new AuthenticationToken { Name = OpenIdConnectParameterNames.IdToken, Value = text }]);
    }

    // The page leads on by itself. A redirect would belong to the provider's own navigation, in which no browser shows a Strict cookie.
    private async Task BeginSessionAsync(TicketReceivedContext context)
    {
        context.Properties!.IssuedUtc = time.GetUtcNow();
        context.Properties.ExpiresUtc = context.Properties.IssuedUtc + options.Value.SessionLifetime;
        context.HandleResponse();
        var caller = Callers.OfOrNull(context.HttpContext, context.Principal!)!;
        var fault = await TryBeginAsync(context.HttpContext, caller, context.Principal!, context.Properties);
        var page = fault is null
            ? SignInPages.LeadOn("Signed in", LocalPath.Of(context.ReturnUri))
            : SignInPages.Failed(fault, StatusCodes.Status503ServiceUnavailable);
        await page.ExecuteAsync(context.HttpContext);
    }

    private async Task<string?> TryBeginAsync(
        HttpContext context, Caller caller, ClaimsPrincipal person, AuthenticationProperties properties)
    {
        try
        {
            return await record.BeginAsync(
                caller, "SignIn", () => context.SignInAsync(SessionAuthentication.SchemeName, person, properties), context.RequestAborted);
        }
        catch (Exception away) when (away is RedisException or TimeoutException or AuditUnavailableException)
        {
            LogNotBegun(caller.Principal, away.Message);
            return "the session cannot be begun now: try again";
        }
    }

    private async Task RefuseAsync(RemoteFailureContext context)
    {
        context.HandleResponse();
        await record.RefuseAsync(context.HttpContext, context.Failure?.Message ?? "the provider did not say why");
        await SignInPages.Failed("The identity provider, or what came back from it, did not let you in.", StatusCodes.Status403Forbidden)
            .ExecuteAsync(context.HttpContext);
    }

    // A form of a page of ours may lead to nothing but us (form-action), redirects included: so another page leads on.
    private static Task LeaveAsync(RedirectContext context)
    {
        context.HandleResponse();
        return context.ProtocolMessage.IssuerAddress is { Length: > 0 }
            ? SignInPages.LeadOn("Signing out", context.ProtocolMessage.CreateLogoutRequestUrl()).ExecuteAsync(context.HttpContext)
            : SignInPages.SignedOut().ExecuteAsync(context.HttpContext);
    }

    private static Task SayGoodbyeAsync(RemoteSignOutContext context)
    {
        context.HandleResponse();
        return SignInPages.SignedOut().ExecuteAsync(context.HttpContext);
    }

    [LoggerMessage(LogLevel.Warning, "{Principal} signed in, and has no session: {Fault}")]
    private partial void LogNotBegun(string principal, string fault);
}

using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Says who a request is by: the holder of its token.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, AccessTokens tokens,
    IAuditTrail audit)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Token";

    // The library that verifies tokens says more of some than anybody reads.
    private const int FailureLengthMax = 200;

    private const string BearerPrefix = "Bearer ";
    private const string BasicPrefix = "Basic ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    private AuthenticateResult Authenticate()
    {
        var header = Request.Headers.Authorization.ToString();
        if (header.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return Judge(header[BearerPrefix.Length..].Trim());
        }

        // Browsers can be asked for a password, not for a token. They send it by themselves ever after, other sites' pages included,
        // so it only lets them read.
        if (header.StartsWith(BasicPrefix, StringComparison.OrdinalIgnoreCase) && ForeignPage.IsReading(Request))
        {
            return Judge(PasswordOf(header[BasicPrefix.Length..].Trim()));
        }

        return AuthenticateResult.NoResult();
    }

    /// <summary>The challenge of all schemes: whatever was shown, this is how callers are told to sign in.</summary>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        // Whoever only looks, and has shown nothing, is told to sign in; that is nothing to record.
        var shown = PresentedCredential.Of(Context).Method;
        if (!ForeignPage.IsReading(Request) || shown is not null)
        {
            var failure = Context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Failure?.Message ?? "no credential came";
            await audit.RecordFailedSignInAsync(
                shown ?? CallerMethod.AccessToken, principal: null, Callers.AddressOf(Context),
                $"{failure[..Math.Min(failure.Length, FailureLengthMax)]}, for {Request.Method} {Request.Path}");
        }

        var isBrowser = Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
        if (isBrowser && shown is null && ForeignPage.IsReading(Request)
            && Context.RequestServices.GetService<ConsoleSignIn>() is { } console)
        {
            await console.BeginAsync(Context, LocalPath.Of(Request.Path + Request.QueryString));
            return;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = isBrowser
            ? "Basic realm=\"ControlPlane: any user name, a token as the password\", charset=\"UTF-8\""
            : "Bearer";
    }

    private AuthenticateResult Judge(string token)
    {
        if (tokens.HolderOf(token) is not { } held)
        {
            return AuthenticateResult.Fail("nobody holds the token, or it has ended");
        }

        var roles = held.Roles.Select(role => new Claim(AccessClaims.Role, role));
        var principal = AccessClaims.Principal(
            CallerMethod.AccessToken, held.Holder, [new Claim(AccessClaims.Credential, held.Id), .. roles]);
        return AuthenticateResult.Success(new AuthenticationTicket(principal, SchemeName));
    }

    private static string PasswordOf(string credentials)
    {
        try
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(credentials));
            return text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
        }
        catch (FormatException)
        {
            return "";
        }
    }
}

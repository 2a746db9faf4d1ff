using System.Net;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ControlPlane.Access;

/// <summary>Says who a request is by: the holder of its token, or <c>local</c> where no token is demanded.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, AccessTokens tokens, IAuditTrail audit)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Token";

    /// <summary>The type of the identity when the silo demands no token, which it does on loopback only.</summary>
    public const string LocalType = "Local";

    private const string BearerPrefix = "Bearer ";
    private const string BasicPrefix = "Basic ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    private AuthenticateResult Authenticate()
    {
        if (!tokens.Required)
        {
            // A page of another site can make a browser on this machine call us, by a form or by pointing its own name at 127.0.0.1.
            return IsOwnHost() && !IsForeignPage() ? Success(Caller.Local.Principal, LocalType) : AuthenticateResult.Fail("the request comes from another site");
        }

        var header = Request.Headers.Authorization.ToString();
        if (header.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return Judge(header[BearerPrefix.Length..].Trim());
        }

        // Browsers can be asked for a password, not for a token. They send it by themselves ever after, other sites' pages included,
        // so it only lets them read.
        if (header.StartsWith(BasicPrefix, StringComparison.OrdinalIgnoreCase) && IsReading())
        {
            return Judge(PasswordOf(header[BasicPrefix.Length..].Trim()));
        }

        return AuthenticateResult.NoResult();
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        // Whoever only looks, and has shown nothing, is told to sign in; that is nothing to record.
        if (!IsReading() || Request.Headers.Authorization.Count > 0)
        {
            var result = await HandleAuthenticateOnceSafeAsync();
            await audit.RecordFailedSignInAsync(
                CallerMethod.AccessToken, principal: null, Callers.AddressOf(Context),
                $"{result.Failure?.Message ?? "no token came"}, for {Request.Method} {Request.Path}");
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? "Basic realm=\"ControlPlane: any user name, a token as the password\", charset=\"UTF-8\""
            : "Bearer";
    }

    private AuthenticateResult Judge(string token) =>
        tokens.HolderOf(token) is { } holder ? Success(holder, SchemeName) : AuthenticateResult.Fail("nobody holds the token");

    private static AuthenticateResult Success(string principal, string type)
    {
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, principal)], type);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    private bool IsReading() => HttpMethods.IsGet(Request.Method) || HttpMethods.IsHead(Request.Method);

    private bool IsOwnHost() => Request.Host.Host is "localhost" ||
        (IPAddress.TryParse(Request.Host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private bool IsForeignPage() =>
        !IsReading() && Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none");

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

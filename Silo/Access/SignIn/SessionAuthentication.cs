using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>Says who a request of a browser is by: who signed in, as the session says that its cookie names.</summary>
internal sealed class SessionAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ITicketStore sessions)
    : SignInAuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Session";

    // The prefix has browsers take it only from this host, by TLS, for all its paths: no neighbour can plant one.
    private const string SecureCookie = "__Host-controlplane";
    private const string LoopbackCookie = "controlplane-session";

    /// <summary>The id of the request's session; null when the request shows none.</summary>
    public static string? IdOf(HttpRequest request) =>
        request.Cookies[NameFor(request)] is { } id && id.Length == RedisSessions.IdLength ? id : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (IdOf(Request) is not { } id)
        {
            return AuthenticateResult.NoResult();
        }

        AuthenticationTicket? ticket;
        try
        {
            ticket = await sessions.RetrieveAsync(id);
        }
        catch (Exception away) when (away is RedisException or TimeoutException)
        {
            return AuthenticateResult.Fail($"whether the session goes on cannot be told now: {away.Message}");
        }

        // Of an ended session nothing is left to refuse: whoever shows it has shown nothing.
        return ticket is null ? AuthenticateResult.NoResult()
            : ForeignPage.IsReading(Request) || await Antiforgery.IsShownAsync(Request, id)
                ? AuthenticateResult.Success(new AuthenticationTicket(ticket.Principal, ticket.Properties, SchemeName))
                : AuthenticateResult.Fail("the session's request for a change has no anti-forgery token");
    }

    /// <summary>Begins a session under an id of its own, whatever cookie came; the one that came is ended.</summary>
    protected override async Task HandleSignInAsync(ClaimsPrincipal user, AuthenticationProperties? properties)
    {
        if (IdOf(Request) is { } before)
        {
            await sessions.RemoveAsync(before);
        }

        var id = await sessions.StoreAsync(new AuthenticationTicket(user, properties, SchemeName));
        Response.Cookies.Append(NameFor(Request), id, Cookie());
    }

    protected override async Task HandleSignOutAsync(AuthenticationProperties? properties)
    {
        if (IdOf(Request) is { } id)
        {
            await sessions.RemoveAsync(id);
        }

        Response.Cookies.Delete(NameFor(Request), Cookie());
    }

    private static string NameFor(HttpRequest request) => request.IsHttps ? SecureCookie : LoopbackCookie;

    // Until the browser is closed, at most; the session's own end is kept here.
    private CookieOptions Cookie() => new()
    {
        HttpOnly = true, Secure = Request.IsHttps, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true,
    };
}

/// <summary>What a page of ours shows when it asks for a change, and no page of another site can know.</summary>
/// <remarks>It is made of the session's id, which no script can read, and ends with it.</remarks>
internal static class Antiforgery
{
    public const string Field = "antiforgery";
    public const string Header = "X-Antiforgery";

    /// <summary>The token of the request's session; null without one: other callers show their credential by themselves.</summary>
    public static string? TokenOf(HttpContext context) =>
        context.User.Identity?.IsAuthenticated == true && PresentedCredential.Of(context).Scheme == SessionAuthentication.SchemeName
            && SessionAuthentication.IdOf(context.Request) is { } id
            ? TokenOf(id)
            : null;

    public static async Task<bool> IsShownAsync(HttpRequest request, string sessionId)
    {
        var shown = request.Headers[Header].ToString();
        if (shown.Length == 0 && request.HasFormContentType)
        {
            shown = (await request.ReadFormAsync(request.HttpContext.RequestAborted))[Field].ToString();
        }

        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown), Encoding.UTF8.GetBytes(TokenOf(sessionId)));
    }

    private static string TokenOf(string sessionId) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(sessionId), "antiforgery"u8));
}

using System.Net;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Lets in whoever reaches loopback, where no way to sign in is configured.</summary>
internal sealed class LocalAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Local";

    // A page of another site can make a browser on this machine call us, by a form or by pointing its own name at 127.0.0.1.
    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(IsOwnHost() && !ForeignPage.Asks(Request)
        ? AuthenticateResult.Success(new AuthenticationTicket(
            AccessClaims.Principal(CallerMethod.Local, Caller.Local.Principal), SchemeName))
        : AuthenticateResult.Fail("the request comes from another site"));

    private bool IsOwnHost() => Request.Host.Host is "localhost" ||
        (IPAddress.TryParse(Request.Host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}

/// <summary>Whether a page of another site makes the browser ask for a change.</summary>
internal static class ForeignPage
{
    public static bool Asks(HttpRequest request) => !IsReading(request) && request.Headers["Sec-Fetch-Site"].ToString() switch
    {
        "same-origin" or "none" => false,

        // Of a program, or of a browser that says it in another header.
        "" => request.Headers.Origin.ToString() is { Length: > 0 } origin && origin != $"{request.Scheme}://{request.Host}",
        _ => true,
    };

    public static bool IsReading(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
}

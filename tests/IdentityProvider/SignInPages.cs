using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace ControlPlane.IdentityProvider;

/// <summary>Who signs in, and what the tokens then say. Forms without sessions: each sign-in asks for the password.</summary>
internal static class SignInPages
{
    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    public static void MapSignIn(this WebApplication app)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Post];
        app.MapMethods("/connect/authorize", methods, SignInAsync);
        app.MapMethods("/connect/verify", methods, SignInAsync);
        app.MapPost("/connect/token", ExchangeAsync);
        app.MapMethods("/connect/endsession", methods, () => Results.SignOut(authenticationSchemes: [Scheme]));
    }

    private static async Task<IResult> SignInAsync(HttpContext context, IOpenIddictScopeManager scopes)
    {
        var request = context.GetOpenIddictServerRequest()!;
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            return Form(context.Request.Path, context.Request.Query);
        }

        if (TestUser.Find(context.Request.Form["username"], context.Request.Form["password"]) is not { } user)
        {
            return Form(context.Request.Path, context.Request.Form, "There is no such user, or the password is another.");
        }

        // Of the device grant: the device's own request, which says what its tokens are for.
        var granted = request.GetScopes();
        if (context.Request.Path == "/connect/verify")
        {
            var device = await context.AuthenticateAsync(Scheme);
            if (!device.Succeeded)
            {
                return Form(context.Request.Path, context.Request.Form, "There is no such code.");
            }

            granted = device.Principal.GetScopes();
        }

        var identity = Identity(user.Name);
        identity.SetClaims("groups", [.. user.Groups]);
        var second = context.Request.Form["code"] == TestUser.OneTimeCode;
        identity.SetClaims(Claims.AuthenticationMethodReference, second ? ["pwd", "otp"] : ["pwd"]);
        identity.SetClaim(Claims.AuthenticationContextReference, second ? "mfa" : "password");
        identity.SetClaim(Claims.AuthenticationTime, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        return Results.SignIn(await PrincipalAsync(identity, granted, scopes), authenticationScheme: Scheme);
    }

    private static async Task<IResult> ExchangeAsync(HttpContext context, IOpenIddictScopeManager scopes)
    {
        var request = context.GetOpenIddictServerRequest()!;
        if (request.IsClientCredentialsGrantType())
        {
            var principal = await PrincipalAsync(Identity(request.ClientId!), request.GetScopes(), scopes);
            return Results.SignIn(principal, authenticationScheme: Scheme);
        }

        // A code, a device's code or a refresh token, which hold what was said at sign-in.
        var presented = await context.AuthenticateAsync(Scheme);
        return presented.Succeeded
            ? Results.SignIn(presented.Principal, authenticationScheme: Scheme)
            : Results.Forbid(authenticationSchemes: [Scheme]);
    }

    private static ClaimsIdentity Identity(string subject)
    {
        var identity = new ClaimsIdentity(Scheme, Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, subject);
        identity.SetClaim(Claims.Name, subject);
        return identity;
    }

    private static async Task<ClaimsPrincipal> PrincipalAsync(
        ClaimsIdentity identity, ImmutableArray<string> granted, IOpenIddictScopeManager scopes)
    {
        identity.SetScopes(granted);
        var resources = new List<string>();
        await foreach (var resource in scopes.ListResourcesAsync(granted))
        {
            resources.Add(resource);
        }

        identity.SetResources(resources);
        identity.SetDestinations(_ => [Destinations.AccessToken, Destinations.IdentityToken]);
        return new ClaimsPrincipal(identity);
    }

    private static IResult Form(PathString path, IEnumerable<KeyValuePair<string, StringValues>> parameters, string? fault = null)
    {
        string[] ours = ["username", "password", "code"];
        var carried = string.Concat(parameters.Where(one => !ours.Contains(one.Key) && one.Key != "user_code").Select(one =>
            $"""<input type="hidden" name="{WebUtility.HtmlEncode(one.Key)}" value="{WebUtility.HtmlEncode(one.Value)}">"""));
        var userCode = path == "/connect/verify"
            ? string.Create(CultureInfo.InvariantCulture, $"""
                <p>Code of the device <input name="user_code" value="{WebUtility.HtmlEncode(parameters
                    .FirstOrDefault(one => one.Key == "user_code").Value)}"></p>
                """)
            : "";
        return Results.Content(
            $"""
            <!doctype html><html lang="en"><title>Sign in</title><h1>The identity provider of the tests</h1>
            <p>{WebUtility.HtmlEncode(fault)}</p>
            <p>viewer, operator or approver; the password is the name, the one-time code {TestUser.OneTimeCode} or nothing.</p>
            <form method="post">{carried}{userCode}
            <p>Name <input name="username" autofocus></p><p>Password <input name="password" type="password"></p>
            <p>One-time code <input name="code"></p><button>Sign in</button></form></html>
            """,
            "text/html; charset=utf-8");
    }
}

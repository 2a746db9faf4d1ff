using ControlPlane.Console;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Signing in and out at the console, and what programs are told to sign people in by.</summary>
internal static class SignInEndpoints
{
    public const string SignInPath = "/access/sign-in";
    public const string SignOutPath = "/access/sign-out";
    public const string SelfPath = "/access/self";

    private const string Offline = "offline_access";

    public static void MapSignIn(this IEndpointRouteBuilder app)
    {
        app.MapGet(SelfPath, ShowSelf).Requires(Permissions.AccessSelf).ExcludeFromDescription();
        app.MapGet(SignInPath, (HttpContext context, string? back) => context.RequestServices.GetService<ConsoleSignIn>() is { } console
            ? console.BeginAsync(context, LocalPath.Of(back))
            : Results.NotFound().ExecuteAsync(context)).AllowAnonymous().ExcludeFromDescription();
        app.MapPost(SignOutPath, SignOutAsync).Requires(Permissions.AccessSelf).ExcludeFromDescription();
    }

    /// <summary>Where the command line signs people in; open to everybody, as the provider's own discovery is.</summary>
    public static void MapSignInHints(this IEndpointRouteBuilder v1) => v1.MapGet("/access/sign-in", Hint).AllowAnonymous()
        .WithName("GetSignIn").WithTags("access")
        .WithSummary("Where programs sign people in: the identity provider, the client to be, and what to ask for.")
        .ProducesProblem(StatusCodes.Status404NotFound);

    private static Results<Ok<SignInHint>, NotFound> Hint(IOptions<SignInOptions> options, IOptions<OidcOptions> oidc) =>
        options.Value is { CommandLineClientId: { Length: > 0 } client } signIn && signIn.ProviderIn(oidc.Value) is { } provider
            ? TypedResults.Ok(new SignInHint(
                oidc.Value.Issuers[provider].Issuer, client, [.. signIn.ScopesInForce.Append(Offline).Distinct()]))
            : TypedResults.NotFound();

    private static ConsolePage ShowSelf(HttpContext context)
    {
        var caller = Callers.OfOrNull(context)!;
        return new ConsolePage(Layout.Page("You", "", Html.Of($"""
            <h1>{caller.Principal}</h1>
            <dl>
            <div><dt>Known by</dt><dd>{caller.Method}</dd></div>
            <div><dt>Groups</dt><dd>{string.Join(", ", caller.Groups)}</dd></div>
            <div><dt>Second factor</dt><dd>{Layout.Time(caller.SecondFactorAt)}</dd></div>
            </dl>
            {SignOutForm(context)}
            """)));
    }

    private static Html SignOutForm(HttpContext context) => Antiforgery.TokenOf(context) is { } token
        ? Html.Of($"""
            <form action="{SignOutPath}" method="post">
            <input type="hidden" name="{Antiforgery.Field}" value="{token}"><button>Sign out</button>
            </form>
            """)
        : Html.Empty;

    private static Task SignOutAsync(HttpContext context) =>
        Antiforgery.TokenOf(context) is not null && context.RequestServices.GetService<ConsoleSignIn>() is { } console
            ? console.EndAsync(context)
            : SignInPages.SignedOut().ExecuteAsync(context);
}

/// <param name="Issuer">The identity provider.</param>
/// <param name="ClientId">The client that it knows the command line by.</param>
/// <param name="Scopes">What to ask for.</param>
internal sealed record SignInHint(string Issuer, string ClientId, IReadOnlyList<string> Scopes);

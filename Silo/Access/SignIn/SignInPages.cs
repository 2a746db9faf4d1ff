using System.Net;
using ControlPlane.Console;

namespace ControlPlane.Access;

/// <summary>The pages around a sign-in. None of them needs one.</summary>
internal static class SignInPages
{
    /// <summary>Leads the browser on, as a step of our own.</summary>
    public static IResult LeadOn(string title, string url) => Page(
        title,
        Html.Of($"""<meta http-equiv="refresh" content="0;url={url}">"""),
        Html.Of($"""<p><a href="{url}">Go on</a></p>"""),
        StatusCodes.Status200OK);

    public static IResult SignedOut() => Page(
        "You are signed out",
        Html.Empty,
        Html.Of($"""<p><a href="{SignInEndpoints.SignInPath}">Sign in again</a></p>"""),
        StatusCodes.Status200OK);

    public static IResult Failed(string why, int status) => Page(
        "You are not signed in",
        Html.Empty,
        Html.Of($"""<p>{why}</p><p><a href="{SignInEndpoints.SignInPath}">Try again</a></p>"""),
        status);

    private static ConsolePage Page(string title, Html head, Html content, int status) => new ConsolePage(
        Html.Of($"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{title} · ControlPlane</title>
            <link rel="stylesheet" href="/console/console.css">
            {head}
            </head>
            <body><main id="content"><h1>{title}</h1>{content}</main></body>
            </html>
            """),
        status);
}

/// <summary>Where a browser may be led to after a sign-in: a path of ours.</summary>
internal static class LocalPath
{
    private const int LengthMax = 2_000;

    /// <summary>The path, or the overview in place of what is not one.</summary>
    public static string Of(string? path) => IsOurs(path) ? path! : "/";

    // '//host' and '/\host' are other hosts to a browser.
    private static bool IsOurs(string? path) => path is ['/', ..] and not ['/', '/' or '\\', ..]
        && path.Length <= LengthMax && !path.Any(char.IsControl);
}


using ControlPlane.Nodes;

namespace ControlPlane.Console;

/// <summary>What all pages of the console share.</summary>
internal static class Layout
{
    /// <summary>The page around its content.</summary>
    /// <param name="title">The page's title.</param>
    /// <param name="query">What the search field holds.</param>
    /// <param name="content">The page's own part.</param>
    public static Html Page(string title, string query, Html content) => Html.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{title} · ControlPlane</title>
        <link rel="stylesheet" href="/console/console.css">
        <link rel="icon" href="/console/icon.svg" type="image/svg+xml">
        <script src="/console/console.js" defer></script>
        <script src="/console/jobs.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#content">Skip to content</a>
        <header>
        <a class="brand" href="/"><img src="/console/icon.svg" alt="" width="28" height="28"> ControlPlane</a>
        <nav aria-label="Pages"><a href="/">Overview</a> <a href="/nodes">Nodes</a> <a href="/jobs">Jobs</a>
        <a href="/access/self">You</a></nav>
        <form action="/nodes" method="get" role="search">
        <label for="search" class="unseen">Identity of a node</label>
        <input id="search" name="identity" type="search" placeholder="Find a node by its identity" value="{query}"
          maxlength="{NodeIdentity.BytesMax}" spellcheck="false" autocapitalize="off">
        <button>Find</button>
        </form>
        </header>
        <main id="content">
        {content}
        </main>
        </body>
        </html>
        """);

    /// <summary>An instant, exact for programs and short for people.</summary>
    public static Html Time(DateTimeOffset? at) => at?.UtcDateTime is { } instant
        ? Html.Of($"""<time datetime="{instant:yyyy-MM-ddTHH:mm:ss.fffZ}">{instant:yyyy-MM-dd HH:mm:ss} UTC</time>""")
        : Html.Of($"–");
}

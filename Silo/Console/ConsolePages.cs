
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Console;

/// <summary>The operators' pages: rendered here, without anything from elsewhere.</summary>
internal static class ConsolePages
{
    private const int PageNodes = 100;

    // Nothing but our own files may run, style, load or frame the pages: were a node's text ever to become markup, it could do nothing.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        + "base-uri 'none'; frame-ancestors 'none'";

    public static void MapConsole(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", async (HttpContext context, FleetSummarySource source) =>
            Page(context, OverviewPage.Render(await source.LatestAsync()))).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapGet("/nodes", ListAsync).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapGet("/nodes/{identity}", ShowAsync).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapJobPages();
        app.MapAsset("console.css", "text/css; charset=utf-8");
        app.MapAsset("console.js", "text/javascript; charset=utf-8");
        app.MapAsset("jobs.js", "text/javascript; charset=utf-8");
        app.MapAsset("icon.svg", "image/svg+xml");
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, IGrainFactory grains, string? state, string? identity, string? cursor, CancellationToken cancellationToken)
    {
        var sought = identity?.Trim() ?? "";
        if (NodeIdentity.IsValid(sought) && (await grains.GetGrain<INodeGrain>(sought).Get()).Stage != NodeStage.Unknown)
        {
            return Results.Redirect($"/nodes/{Uri.EscapeDataString(sought)}");
        }

        NodeStage? stage = Enum.TryParse<NodeStage>(state, ignoreCase: true, out var read) && Enum.IsDefined(read) ? read : null;
        var after = PageCursor.TryRead(cursor, out var last) && last is not null ? last : sought;
        var page = await RosterPages.ReadAsync(grains, stage, after.Length > 0 ? after : null, PageNodes, cancellationToken);
        return Page(context, NodeListPage.Render(stage, sought, page));
    }

    private static async Task<IResult> ShowAsync(HttpContext context, IGrainFactory grains, string identity)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return Page(context, NodePageView.Unknown(identity), StatusCodes.Status404NotFound);
        }

        var node = await grains.GetGrain<INodeGrain>(identity).Get();
        return node.Stage == NodeStage.Unknown
            ? Page(context, NodePageView.Unknown(identity), StatusCodes.Status404NotFound)
            : Page(context, NodePageView.Render(node));
    }

    /// <summary>A page, with what browsers are told to hold it to.</summary>
    public static IResult Page(HttpContext context, Html page, int status = StatusCodes.Status200OK)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        return Results.Content(page.Markup, "text/html; charset=utf-8", statusCode: status);
    }

    private static void MapAsset(this IEndpointRouteBuilder app, string name, string contentType)
    {
        var bytes = ReadAsset(name);
        var entityTag = new Microsoft.Net.Http.Headers.EntityTagHeaderValue(
            $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]}\"");
        app.MapGet($"/console/{name}", (HttpContext context) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.CacheControl = "no-cache";
            return Results.Bytes(bytes, contentType, entityTag: entityTag);
        }).AllowAnonymous().ExcludeFromDescription();
    }

    private static byte[] ReadAsset(string name)
    {
        using var asset = typeof(ConsolePages).Assembly.GetManifestResourceStream($"console/{name}")!;
        var bytes = new byte[asset.Length];
        asset.ReadExactly(bytes);
        return bytes;
    }
}

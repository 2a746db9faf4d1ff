
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Console;

/// <summary>The operators' pages: rendered here, without anything from elsewhere.</summary>
internal static class ConsolePages
{
    private const int PageNodes = 100;

    public static void MapConsole(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", async (FleetSummarySource source) =>
            new ConsolePage(OverviewPage.Render(await source.LatestAsync()))).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapGet("/nodes", ListAsync).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapGet("/nodes/{identity}", ShowAsync).Requires(Permissions.NodesRead).ExcludeFromDescription();
        app.MapJobPages();
        app.MapAsset("console.css", "text/css; charset=utf-8");
        app.MapAsset("console.js", "text/javascript; charset=utf-8");
        app.MapAsset("jobs.js", "text/javascript; charset=utf-8");
        app.MapAsset("icon.svg", "image/svg+xml");
    }

    private static async Task<IResult> ListAsync(
        IGrainFactory grains, string? state, string? identity, string? cursor, CancellationToken cancellationToken)
    {
        var sought = identity?.Trim() ?? "";
        if (NodeIdentity.IsValid(sought) && (await grains.GetGrain<INodeGrain>(sought).Get()).Stage != NodeStage.Unknown)
        {
            return Results.Redirect($"/nodes/{Uri.EscapeDataString(sought)}");
        }

        NodeStage? stage = Enum.TryParse<NodeStage>(state, ignoreCase: true, out var read) && Enum.IsDefined(read) ? read : null;
        var after = PageCursor.TryRead(cursor, out var last) && last is not null ? last : sought;
        var page = await RosterPages.ReadAsync(grains, stage, after.Length > 0 ? after : null, PageNodes, cancellationToken);
        return new ConsolePage(NodeListPage.Render(stage, sought, page));
    }

    private static async Task<IResult> ShowAsync(IGrainFactory grains, string identity)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return new ConsolePage(NodePageView.Unknown(identity), StatusCodes.Status404NotFound);
        }

        var node = await grains.GetGrain<INodeGrain>(identity).Get();
        return node.Stage == NodeStage.Unknown
            ? new ConsolePage(NodePageView.Unknown(identity), StatusCodes.Status404NotFound)
            : new ConsolePage(NodePageView.Render(node));
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

using System.ComponentModel;
using System.Text.Json;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ControlPlane.Access;

/// <summary>The record of calls: who asked what, and what came of it.</summary>
internal static class AuditEndpoints
{
    private const int PageDefault = 100;
    private const int PageMax = 1000;

    /// <summary>A line is what was hashed: as it is, and not as the API writes.</summary>
    public static readonly JsonSerializerOptions Lines = new(JsonSerializerDefaults.Web);

    public static void MapAudit(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/audit", ListAsync).WithName("ListAuditRecords").WithTags("access").Requires(Permissions.AccessAuditRead)
            .WithSummary("The record of calls, newest first.")
            .WithDescription("A page may hold less than the limit, or nothing, and have a next one: a filter is looked for in parts.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        v1.MapGet("/audit/{id}", ShowAsync).WithName("GetAuditRecords").WithTags("access").Requires(Permissions.AccessAuditRead)
            .WithSummary("The records of one call: that it was to be made, and what came of it.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        v1.MapGet("/audit:export", ExportAsync).WithName("ExportAuditLog").WithTags("access").Requires(Permissions.AccessAuditRead)
            .WithSummary("The whole log with its chains, oldest first, as lines of JSON that can be verified elsewhere.")
            .Produces(StatusCodes.Status200OK, contentType: "application/x-ndjson")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<Results<Ok<AuditRecordPage>, ProblemHttpResult>> ListAsync(
        AuditReader reader,
        [AsParameters] AuditFilter filter,
        CancellationToken cancellationToken)
    {
        if (filter.Limit is < 1 or > PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {PageMax}, is {filter.Limit}");
        }

        AuditCursor? cursor = null;
        if (!string.IsNullOrEmpty(filter.Cursor) && (cursor = AuditCursor.ReadOrNull(filter.Cursor)) is null)
        {
            return Problems.Malformed("the cursor is not one that this API gave");
        }

        var page = await reader.ListAsync(
            new AuditQuery
            {
                Who = filter.Who,
                Permission = filter.Permission,
                Node = filter.Node,
                Overlay = filter.Overlay,
                Outcome = filter.Outcome,
                Since = filter.Since,
                Until = filter.Until,
                DeniedOnly = filter.Denied ?? false,
                OldestFirst = filter.OldestFirst ?? false,
                Cursor = cursor,
                Limit = filter.Limit ?? PageDefault,
            },
            cancellationToken);
        return TypedResults.Ok(new AuditRecordPage(page.Records, page.Next?.ToString(), page.IsEnd, page.End.ToString()));
    }

    private static async Task<Results<Ok<IReadOnlyList<AuditRecord>>, ProblemHttpResult>> ShowAsync(
        AuditReader reader, string id, CancellationToken cancellationToken) =>
        await reader.FindAsync(id, cancellationToken) is { Count: > 0 } records
            ? TypedResults.Ok(records)
            : Problems.Unknown("audit-record", $"there is no call '{id}' in the log (any more)");

    private static async Task<PushStreamHttpResult> ExportAsync(
        AuditReader reader,
        [Description("The position of the last line of an earlier export, to go on after it.")] ulong after = 0,
        CancellationToken cancellationToken = default)
    {
        // The first line is waited for, so that a log that is away is a problem and not an answer that breaks off.
        var lines = reader.ReadAsync(after, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var isThere = await lines.MoveNextAsync();
        return TypedResults.Stream(
            async body =>
            {
                await using (lines)
                {
                    for (; isThere; isThere = await lines.MoveNextAsync())
                    {
                        await JsonSerializer.SerializeAsync(body, lines.Current, Lines, cancellationToken);
                        await body.WriteAsync("\n"u8.ToArray(), cancellationToken);
                    }
                }
            },
            "application/x-ndjson");
    }
}

/// <summary>Which records; each filter that is given must match.</summary>
internal sealed record AuditFilter
{
    [Description("The principal's name.")]
    public string? Who { get; init; }

    [Description("The permission that was asked for.")]
    public string? Permission { get; init; }

    [Description("The node that the call was about.")]
    public string? Node { get; init; }

    [Description("The overlay that the call was about.")]
    public string? Overlay { get; init; }

    [Description("What the outcome begins with; only records of outcomes and of failed sign-ins have one.")]
    public string? Outcome { get; init; }

    [Description("Not before this instant.")]
    public DateTimeOffset? Since { get; init; }

    [Description("Before this instant.")]
    public DateTimeOffset? Until { get; init; }

    [Description("Denied calls and failed sign-ins only.")]
    public bool? Denied { get; init; }

    [Description("Oldest first, to go on with what comes.")]
    public bool? OldestFirst { get; init; }

    [Description("The next of the page before.")]
    public string? Cursor { get; init; }

    [Description("Records per page, 1 to 1000; 100 by default.")]
    public int? Limit { get; init; }
}

/// <param name="Records">The page.</param>
/// <param name="Next">What to ask for the next page with; null on the last one.</param>
/// <param name="IsEnd">Whether there is nothing more yet.</param>
/// <param name="End">With oldestFirst, what to go on with after everything that is there now.</param>
internal sealed record AuditRecordPage(IReadOnlyList<AuditRecord> Records, string? Next, bool IsEnd, string End);

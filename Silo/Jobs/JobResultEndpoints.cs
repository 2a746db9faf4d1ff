using System.ComponentModel;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Filters;
using ControlPlane.Placement;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace ControlPlane.Jobs;

/// <summary>A job's targets and what came of them: page by page, or the whole as a file.</summary>
internal static class JobResultEndpoints
{
    private const int TargetsDefault = 1000;
    private const int ResultsDefault = 100;
    private const int CursorCharsMax = 512;

    public static void MapJobResults(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/jobs/{id}/targets", ListTargetsAsync).WithName("ListJobTargets").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("A job's targets in the order in which they are worked on, a page at a time.")
            .WithDescription("Overlays that do not answer are left out, and named in unreachable.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        v1.MapGet("/jobs/{id}/results", ListResultsAsync).WithName("ListJobResults").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("What came of a job at its targets: a page at a time, or the whole as JSON lines or CSV.")
            .WithDescription(
                "The whole is given for format=jsonl or csv, or for Accept: application/x-ndjson or text/csv. With reply a page may hold less than the "
                + "limit, or nothing, and have a next one. Overlays that do not answer are left out of a page, and named in unreachable; the whole is refused then.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<Results<Ok<JobTargetPage>, ProblemHttpResult>> ListTargetsAsync(
        IGrainFactory grains,
        string id,
        [FromQuery, Description("Only targets in these states.")] string[]? state,
        [Description("The next of the page before.")] string? cursor = null,
        [Description("Targets per page, 1 to 20000.")] int limit = TargetsDefault)
    {
        if (FaultOrNull(id, state, cursor, limit, IJobGrain.TargetsPageMax, out var states) is { } fault)
        {
            return Problems.Malformed(fault);
        }

        var job = grains.GetJob(id);
        return await job.Get() is null
            ? JobEndpoints.Unknown(id)
            : TypedResults.Ok(await job.ListTargets(states, NullIfEmpty(cursor), limit));
    }

    private static async Task<Results<Ok<JobResultsPage>, PushStreamHttpResult, ProblemHttpResult>> ListResultsAsync(
        IGrainFactory grains,
        HttpContext http,
        IOptions<JsonOptions> json,
        string id,
        [AsParameters] ResultParameters parameters,
        CancellationToken cancellationToken)
    {
        var limit = parameters.Limit ?? ResultsDefault;
        if (FaultOrNull(id, parameters.State, parameters.Cursor, limit, IJobGrain.ResultsPageMax, out var states) is { } fault)
        {
            return Problems.Malformed(fault);
        }

        ReplyExpression? reply = null;
        if (!string.IsNullOrWhiteSpace(parameters.Reply)
            && (reply = ReplyExpression.ReadOrNull(parameters.Reply, out var unclear)) is null)
        {
            return Problems.Malformed($"reply: {unclear}");
        }

        if (!ResultFormats.TryRead(parameters.Format, http.Request.Headers.Accept, out var format))
        {
            return Problems.Malformed("format must be json, jsonl or csv");
        }

        var job = grains.GetJob(id);
        if (await job.Get() is null)
        {
            return JobEndpoints.Unknown(id);
        }

        // A file has all or breaks off. Its first page is waited for, so that an overlay that is away already is a problem and not that.
        var asked = format == ResultFormat.Json ? limit : IJobGrain.ResultsPageMax;
        var first = await job.ListResults(states, NullIfEmpty(parameters.Cursor), asked);
        return format == ResultFormat.Json
            ? TypedResults.Ok(new JobResultsPage([.. Taken(first, reply)], first.Next, first.Unreachable))
            : ResultExport.Stream(
                format, ReadAllAsync(job, states, Whole(first), reply, cancellationToken), json.Value.SerializerOptions, cancellationToken);
    }

    private static async IAsyncEnumerable<JobResultView> ReadAllAsync(
        IJobGrain job,
        IReadOnlyList<TargetState> states,
        JobResultPage page,
        ReplyExpression? reply,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var result in Taken(page, reply))
            {
                yield return result;
            }

            if (page.Next is null)
            {
                yield break;
            }

            cancellationToken.ThrowIfCancellationRequested();
            page = Whole(await job.ListResults(states, page.Next, IJobGrain.ResultsPageMax));
        }
    }

    private static JobResultPage Whole(JobResultPage page) => page.Unreachable.Count == 0 ? page
        : throw new OverlayUnreachableException($"{string.Join(", ", page.Unreachable)} does not answer; a page of results goes without it");

    private static IEnumerable<JobResultView> Taken(JobResultPage page, ReplyExpression? reply) =>
        page.Results.Select(JobResultView.Of).Where(result => reply is null || result.Fulfils(reply));

    private static string? NullIfEmpty(string? cursor) => string.IsNullOrEmpty(cursor) ? null : cursor;

    private static string? FaultOrNull(
        string id, string[]? state, string? cursor, int limit, int limitMax, out IReadOnlyList<TargetState> states) =>
        QueryWords.FaultOrNull("state", state, out states)
        ?? (!JobId.IsValid(id) ? JobEndpoints.JobIdRule
            : limit < 1 || limit > limitMax ? $"limit must be 1 to {limitMax}, is {limit}"
            : cursor?.Length > CursorCharsMax ? "cursor is not one that this API gave"
            : null);
}

/// <summary>Which results, and how they are given.</summary>
internal sealed record ResultParameters
{
    [FromQuery(Name = "state"), Description("Only results of targets that ended in these states.")]
    public string[]? State { get; init; }

    [FromQuery(Name = "cursor"), Description("The next of the page before.")]
    public string? Cursor { get; init; }

    [FromQuery(Name = "limit"), Description("Results per page, 1 to 1000; 100 by default.")]
    public int? Limit { get; init; }

    [FromQuery(Name = "reply"), Description("A reply expression, e.g. not ok() and msg =~ /disk/, or data('os.major') < 12.")]
    public string? Reply { get; init; }

    [FromQuery(Name = "format"), Description("json for a page; jsonl or csv for all of them.")]
    public string? Format { get; init; }
}

using System.ComponentModel;
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Jobs;

/// <summary>Jobs: submitting them, how they stand, and what operators tell them.</summary>
internal static class JobEndpoints
{
    /// <summary>Room for 100 000 identities.</summary>
    public const int BodyBytesMax = 8 * 1024 * 1024;

    private const int ListDefault = 100;

    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    public static void MapJobs(this IEndpointRouteBuilder v1)
    {
        v1.MapPost("/jobs", SubmitAsync).WithName("SubmitJob").WithTags("jobs").Requires(Permissions.JobsRun)
            .WithSummary("Submits a job. With an Idempotency-Key it is safe to repeat: the same job is given back.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyBytesMax))
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);
        v1.MapDryRun();
        v1.MapGet("/jobs", ListAsync).WithName("ListJobs").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("The jobs that are kept, newest first.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapGet("/jobs/{id}", ShowAsync).WithName("GetJob").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("How a job stands; with wait, as soon as it is newer than a version.")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapCommand<ReasonBody>(
            "approve", Permissions.JobsApprove, "Lets a job begin that must be approved; not by who submitted it. Safe to repeat.",
            (job, _, reason) => job.Approve(reason));
        v1.MapCommand<ReasonBody>(
            "pause", Permissions.JobsControl, "Begins nothing new until the job is resumed. Safe to repeat.",
            (job, _, reason) => job.Pause(reason));
        v1.MapCommand<ReasonBody>(
            "resume", Permissions.JobsControl, "Lets a paused job go on, in all its overlays. Safe to repeat.",
            (job, _, reason) => job.Resume(reason));
        v1.MapCommand<AdvanceBody>(
            "advance", Permissions.JobsControl, "Lets the next stage begin, for a job that bakes or is at a gate.",
            (job, body, reason) => job.Advance(body.Stage, reason));
        v1.MapCommand<RetryBody>(
            "retry", Permissions.JobsControl, "Tries targets again that ended in some states.",
            (job, body, reason) => job.Retry(body.States, reason));
        v1.MapCommand<ReasonBody>(
            "abort", Permissions.JobsControl, "Ends a job: nothing new is begun. Safe to repeat.",
            (job, _, reason) => job.Abort(reason));
    }

    private static void MapCommand<TBody>(
        this IEndpointRouteBuilder v1,
        string verb,
        string permission,
        string summary,
        Func<IJobGrain, TBody, string, Task<JobOutcome>> tell)
        where TBody : IGivesReason =>
        v1.MapPost($"/jobs/{{id}}:{verb}", (IGrainFactory grains, string id, [FromBody] TBody body) => TellAsync(grains, id, body, tell))
            .WithName($"{char.ToUpperInvariant(verb[0])}{verb[1..]}Job").WithTags("jobs")
            .Requires(permission, AccessTarget.Job).WithSummary(summary)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<Results<Ok<JobView>, ProblemHttpResult>> TellAsync<TBody>(
        IGrainFactory grains, string id, TBody body, Func<IJobGrain, TBody, string, Task<JobOutcome>> tell)
        where TBody : IGivesReason =>
        !JobId.IsValid(id) ? Problems.Malformed(JobIdRule)
        : !GivenReason.TryRead(body.Reason, out var reason) ? Problems.Malformed(GivenReason.Rule)
        : await tell(grains.GetJob(id), body, reason) switch
        {
            JobOutcome.Accepted accepted => TypedResults.Ok(JobView.Of(accepted.Job)),
            JobOutcome.Refused refused => Refused(refused),
            _ => throw new UnreachableException(),
        };

    private static async Task<Results<Accepted<JobView>, ProblemHttpResult>> SubmitAsync(
        IGrainFactory grains,
        [FromBody] JobBody body,
        [FromHeader(Name = "Idempotency-Key"),
         Description("A name that the caller gives to this job: a repeated call with it gets the same job, and another job under it is refused.")]
        string? key = null)
    {
        if (key is not null && !JobKeys.IsValid(key))
        {
            return Problems.Malformed(JobKeys.Rule);
        }

        var (spec, faults) = JobSpecReader.Read(body);
        if (spec is null)
        {
            return Problems.Malformed(faults);
        }

        var id = key is null ? JobKeys.NewId() : JobKeys.IdOf(CallerContext.Actor, key);
        return await grains.GetJob(id).Submit(spec) switch
        {
            JobOutcome.Accepted accepted => TypedResults.Accepted($"/v1/jobs/{accepted.Job.Id}", JobView.Of(accepted.Job)),
            JobOutcome.Refused refused => Refused(refused),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<Results<Ok<JobList>, ProblemHttpResult>> ListAsync(
        IGrainFactory grains,
        [FromQuery, Description("Only jobs in these states.")] string[]? state,
        [Description("At most so many, 1 to 1000.")] int limit = ListDefault)
    {
        if (limit is < 1 or > IJobListGrain.PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {IJobListGrain.PageMax}, is {limit}");
        }

        if (QueryWords.FaultOrNull<JobState>("state", state, out var states) is { } fault)
        {
            return Problems.Malformed(fault);
        }

        var jobs = await grains.GetJobList().List(states, limit);
        return TypedResults.Ok(new JobList([.. jobs.Select(JobSummaryView.Of)]));
    }

    private static async Task<Results<Ok<JobView>, StatusCodeHttpResult, ProblemHttpResult>> ShowAsync(
        IGrainFactory grains,
        HttpContext http,
        string id,
        [Description("How long to wait for a newer version, at most 30s; the job as it is comes then. What it is to do is left out.")] string? wait = null,
        [Description("The version that is known; that of If-None-Match without.")] int? after = null,
        [FromHeader(Name = "If-None-Match")] string? ifNoneMatch = null)
    {
        if (!JobId.IsValid(id))
        {
            return Problems.Malformed(JobIdRule);
        }

        var patience = TimeSpan.Zero;
        if (wait is not null && (!Durations.TryRead(wait, out patience) || patience > WaitMax))
        {
            return Problems.Malformed($"wait must be {Durations.Rule}, at most {Durations.Write(WaitMax)}");
        }

        var (known, job) = (after ?? VersionOrNull(ifNoneMatch), grains.GetJob(id));
        var isFollowed = patience > TimeSpan.Zero && known is not null;
        var found = isFollowed ? await job.Follow(known!.Value, patience) : await job.Get();
        if (found is null)
        {
            return Unknown(id);
        }

        http.Response.Headers.ETag = $"\"{found.Version}\"";
        return VersionOrNull(ifNoneMatch) == found.Version
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(isFollowed ? JobView.Following(found) : JobView.Of(found));
    }

    private static int? VersionOrNull(string? etag) => int.TryParse(etag?.Trim().Trim('"'), out var version) ? version : null;

    public static string JobIdRule { get; } = $"a job's id is {JobId.Rule}";

    public static ProblemHttpResult Unknown(string id) => Problems.Unknown("job", $"there is no job '{id}' (any more)");

    /// <summary>The jobs of the site.</summary>
    public static IJobListGrain GetJobList(this IGrainFactory grains) => grains.GetGrain<IJobListGrain>("site");

    public static ProblemHttpResult Refused(JobOutcome.Refused refused) => Refused(refused.Refusal, refused.Faults);

    public static ProblemHttpResult Refused(JobRefusal refusal, IReadOnlyList<string> faults) => refusal switch
    {
        JobRefusal.InvalidSpec => Problems.Malformed(faults),
        JobRefusal.UnknownJob => Problems.Unknown("job", string.Join("; ", faults)),
        JobRefusal.UnknownSchedule => Problems.Unknown("schedule", string.Join("; ", faults)),
        JobRefusal.TooManySchedules or JobRefusal.AnotherOwner =>
            Problems.Refused(refusal, "The schedule is not taken", string.Join("; ", faults)),
        _ => Problems.Refused(refusal, "The job does not take it", string.Join("; ", faults)),
    };
}

/// <param name="Jobs">Newest first.</param>
internal sealed record JobList(IReadOnlyList<JobSummaryView> Jobs);

/// <param name="Stage">The number of the stage that is done, from 0.</param>
/// <param name="Reason">Why, for the record. 1 to 200 characters.</param>
internal sealed record AdvanceBody(int Stage, string Reason) : IGivesReason;

/// <param name="States">Targets that ended in these are tried again.</param>
/// <param name="Reason">Why, for the record. 1 to 200 characters.</param>
internal sealed record RetryBody(IReadOnlyList<TargetState> States, string Reason) : IGivesReason;

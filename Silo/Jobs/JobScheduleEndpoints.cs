using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Jobs;

/// <summary>Schedules: jobs that are submitted again and again.</summary>
internal static class JobScheduleEndpoints
{
    private const string Tag = "job-schedules";

    private static readonly string NameRule = $"a schedule's name is {JobScheduleName.Rule}";

    public static void MapJobSchedules(this IEndpointRouteBuilder v1)
    {
        v1.MapPut("/job-schedules/{name}", ApplyAsync).WithName("ApplyJobSchedule").WithTags(Tag).Requires(Permissions.JobsRun)
            .WithSummary("Sets a schedule, or replaces what the caller set: its jobs are the caller's. Safe to repeat.")
            .WithMetadata(new RequestSizeLimitAttribute(JobEndpoints.BodyBytesMax))
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);
        v1.MapGet("/job-schedules", ListAsync).WithName("ListJobSchedules").WithTags(Tag).Requires(Permissions.JobsRead)
            .WithSummary("All schedules, by name.");
        v1.MapGet("/job-schedules/{name}", ShowAsync).WithName("GetJobSchedule").WithTags(Tag).Requires(Permissions.JobsRead)
            .WithSummary("How a schedule stands: what it begins, when next, and what came of the last time.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/job-schedules/{name}:pause", Tell((schedule, reason) => schedule.Pause(reason)))
            .WithName("PauseJobSchedule").WithTags(Tag).Requires(Permissions.JobsControl)
            .WithSummary("Begins no job until the schedule is resumed. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/job-schedules/{name}:resume", Tell((schedule, reason) => schedule.Resume(reason)))
            .WithName("ResumeJobSchedule").WithTags(Tag).Requires(Permissions.JobsControl)
            .WithSummary("Lets a schedule begin jobs again, from the next time on. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapDelete("/job-schedules/{name}", Tell((schedule, reason) => schedule.Delete(reason)))
            .WithName("DeleteJobSchedule").WithTags(Tag).Requires(Permissions.JobsControl)
            .WithSummary("Forgets a schedule, and gives how it stood; jobs that it began go on.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Ok<JobScheduleView>, ProblemHttpResult>> ApplyAsync(
        IGrainFactory grains, string name, [FromBody] JobScheduleBody body)
    {
        if (!JobScheduleName.IsValid(name))
        {
            return Problems.Malformed(NameRule);
        }

        var (spec, faults) = JobSpecReader.Read(body.Job);
        return spec is null
            ? Problems.Malformed([.. faults.Select(fault => fault.StartsWith('$') ? $"$.job{fault[1..]}" : fault)])
            : AnswerOf(await grains.GetJobSchedule(name).Apply(new JobSchedule(spec, body.Cron)
            {
                TimeZone = body.TimeZone,
                Missed = body.Missed,
                Overlap = body.Overlap,
            }));
    }

    private static async Task<Ok<JobScheduleList>> ListAsync(IGrainFactory grains) =>
        TypedResults.Ok(new JobScheduleList(await grains.GetJobList().ListSchedules()));

    private static async Task<Results<Ok<JobScheduleView>, ProblemHttpResult>> ShowAsync(IGrainFactory grains, string name) =>
        !JobScheduleName.IsValid(name) ? Problems.Malformed(NameRule)
        : await grains.GetJobSchedule(name).Get() is { } schedule ? TypedResults.Ok(JobScheduleView.Of(schedule))
        : Problems.Unknown("schedule", $"there is no schedule '{name}'");

    private static Func<IGrainFactory, string, ReasonBody, Task<Results<Ok<JobScheduleView>, ProblemHttpResult>>> Tell(
        Func<IJobScheduleGrain, string, Task<JobScheduleOutcome>> tell) =>
        async (IGrainFactory grains, string name, [FromBody] ReasonBody body) =>
            !JobScheduleName.IsValid(name) ? Problems.Malformed(NameRule)
            : !GivenReason.TryRead(body.Reason, out var reason) ? Problems.Malformed(GivenReason.Rule)
            : AnswerOf(await tell(grains.GetJobSchedule(name), reason));

    private static Results<Ok<JobScheduleView>, ProblemHttpResult> AnswerOf(JobScheduleOutcome outcome) => outcome switch
    {
        JobScheduleOutcome.Accepted accepted => TypedResults.Ok(JobScheduleView.Of(accepted.Schedule)),
        JobScheduleOutcome.Refused refused => JobEndpoints.Refused(refused.Refusal, refused.Faults),
        _ => throw new UnreachableException(),
    };
}

/// <param name="Schedules">By name.</param>
internal sealed record JobScheduleList(IReadOnlyList<JobScheduleSummary> Schedules);

using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>controlplane job schedule apply|list|show|pause|resume|delete</c>.</summary>
internal static class JobScheduleCommands
{
    private const string Schedules = "v1/job-schedules";

    public static Command Create() => new("schedule", "Schedules: jobs that are submitted again and again.")
    {
        Aliases = { "schedules" },
        Subcommands =
        {
            Apply(), List(), Show(), Tell("pause", "Begins no job until the schedule is resumed."),
            Tell("resume", "Lets a schedule begin jobs again, from the next time on."), Delete(),
        },
    };

    private static ClientCommand Apply()
    {
        var name = new Argument<string>("name");
        var file = new Option<string>("--file", "-f")
        {
            Description = "The schedule, as YAML or JSON: cron, timeZone, missed, overlap, and the job.",
            HelpName = "FILE",
            Required = true,
        };
        return new ClientCommand("apply", "Sets a schedule that is written in a file, or replaces it.", async (call, cancellationToken) =>
        {
            var body = await JobFile.ReadAsync(call.Arguments.GetRequiredValue(file), cancellationToken);
            Print(call, await call.Api.PutAsync<JobScheduleView>(PathOf(call, name), body, cancellationToken));
        })
        { name, file };
    }

    private static ClientCommand List() => new("list", "Lists schedules by name.", async (call, cancellationToken) =>
        call.Print.List((await call.Api.GetAsync<JobScheduleList>(Schedules, cancellationToken)).Schedules,
            ("name", schedule => schedule.Name),
            ("action", schedule => $"{schedule.Agent}#{schedule.Action}"),
            ("cron", schedule => schedule.Cron),
            ("zone", schedule => schedule.TimeZone),
            ("next run", schedule => schedule.NextRun),
            ("last run", schedule => schedule.LastRun?.State),
            ("last job", schedule => schedule.LastJob),
            ("owner", schedule => schedule.Owner),
            ("paused", schedule => schedule.PausedBecause)));

    private static ClientCommand Show()
    {
        var name = new Argument<string>("name");
        return new ClientCommand("show", "Shows a schedule: what it begins, when next, and what came of the last time.",
            async (call, cancellationToken) =>
                Print(call, await call.Api.GetAsync<JobScheduleView>(PathOf(call, name), cancellationToken)))
        { name };
    }

    private static ClientCommand Tell(string verb, string description)
    {
        var (name, reason) = (new Argument<string>("name"), JobCommands.ReasonOption());
        return new ClientCommand(verb, description, async (call, cancellationToken) =>
            Print(call, await call.Api.PostAsync<JobScheduleView>(
                $"{PathOf(call, name)}:{verb}", new ReasonBody(call.Arguments.GetRequiredValue(reason)), cancellationToken)))
        { name, reason };
    }

    private static ClientCommand Delete()
    {
        var (name, reason) = (new Argument<string>("name"), JobCommands.ReasonOption());
        return new ClientCommand("delete", "Forgets a schedule; jobs that it began go on.", async (call, cancellationToken) =>
            Print(call, await call.Api.DeleteAsync<JobScheduleView>(
                PathOf(call, name), new ReasonBody(call.Arguments.GetRequiredValue(reason)), cancellationToken)))
        { name, reason };
    }

    private static string PathOf(ClientCall call, Argument<string> name) =>
        $"{Schedules}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(name))}";

    private static void Print(ClientCall call, JobScheduleView schedule) => call.Print.One(schedule,
        ("schedule", schedule.Name),
        ("action", $"{schedule.Schedule.Job.Agent}#{schedule.Schedule.Job.Action}"),
        ("cron", schedule.Schedule.Cron),
        ("zone", schedule.Schedule.TimeZone),
        ("missed", schedule.Schedule.Missed),
        ("overlap", schedule.Schedule.Overlap),
        ("applied", $"{schedule.AppliedAt:u} by {schedule.Owner}"),
        ("paused", schedule.PausedBecause),
        ("next run", schedule.NextRun),
        ("last run", schedule.LastRun is { } run ? $"{run.At:u} {run.State}{(run.Reason.Length > 0 ? $": {run.Reason}" : "")}" : null),
        ("last job", schedule.LastJob));
}

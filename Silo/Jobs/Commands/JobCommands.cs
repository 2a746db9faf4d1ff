using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>controlplane job run|list|show|watch|targets|results|approve|pause|resume|advance|retry|abort|schedule</c>.</summary>
internal static class JobCommands
{
    private const string Jobs = "v1/jobs";

    public static Command Create() => new("job", "Jobs: an action on many nodes, in stages.")
    {
        Aliases = { "jobs" },
        Subcommands =
        {
            JobRunCommand.Create(), List(), Show(), Watch(), Targets(), JobResultsCommand.Create(), Tell("approve", "Lets a job begin."),
            Tell("pause", "Begins nothing new until the job is resumed."), Tell("resume", "Lets a paused job go on."), Advance(), Retry(),
            Tell("abort", "Ends a job: nothing new is begun."), JobScheduleCommands.Create(),
        },
    };

    private static ClientCommand List()
    {
        var states = new Option<JobState[]>("--state") { Description = "Only jobs in this state; several are given one by one." };
        var limit = new Option<int>("--limit") { Description = "At most so many, 1 to 1000.", DefaultValueFactory = _ => 100 };
        return new ClientCommand("list", "Lists jobs, newest first.", async (call, cancellationToken) =>
        {
            var query = string.Concat((call.Arguments.GetValue(states) ?? []).Select(state => $"&state={state}"));
            var found = await call.Api.GetAsync<JobList>($"{Jobs}?limit={call.Arguments.GetValue(limit)}{query}", cancellationToken);
            call.Print.List(found.Jobs,
                ("id", job => job.Id),
                ("action", job => $"{job.Agent}#{job.Action}"),
                ("state", job => job.State),
                ("stage", job => $"{Math.Min(job.Stage + 1, job.Stages)} of {job.Stages}"),
                ("targets", job => job.Counts.All),
                ("ended", job => job.Counts.Ended),
                ("bad", job => job.Counts.Bad()),
                ("submitter", job => job.Submitter),
                ("submitted", job => job.SubmittedAt),
                ("reason", job => job.Reason.Length > 0 ? job.Reason : null));
        })
        { states, limit };
    }

    private static ClientCommand Show()
    {
        var id = new Argument<string>("id");
        return new ClientCommand("show", "Shows a job: its stages, counts and overlays.", async (call, cancellationToken) =>
            Print(call.Print, await call.Api.GetAsync<JobView>(PathOf(call, id), cancellationToken)))
        { id };
    }

    private static ClientCommand Watch()
    {
        var id = new Argument<string>("id");
        const string meaning = "Follows a job to its end; exits with 1 unless all its nodes did it.";
        return new ClientCommand("watch", meaning, async (call, cancellationToken) =>
        {
            var job = await call.Api.GetAsync<JobView>(PathOf(call, id), cancellationToken);
            return await FollowAsync(call, job, cancellationToken);
        })
        { id };
    }

    /// <summary>Follows a job to its end and prints it.</summary>
    /// <returns>What the process ends with.</returns>
    public static async Task<int> FollowAsync(ClientCall call, JobView job, CancellationToken cancellationToken)
    {
        var ended = await new JobFollower(call).ToEndAsync(job, cancellationToken);
        Print(call.Print, ended with { Job = job.Job });
        return JobFollower.IsGood(ended) ? ExitCodes.Done : ExitCodes.Refused;
    }

    private static ClientCommand Targets()
    {
        var id = new Argument<string>("id");
        var states = StatesOption("Only targets in this state; several are given one by one.");
        const string meaning = "Lists the targets of a job in the order in which they are worked on.";
        return new ClientCommand("targets", meaning, async (call, cancellationToken) =>
        {
            var missing = new HashSet<string>(StringComparer.Ordinal);
            var targets = await call.Api.ListAsync<JobTargetPage, JobTarget>(
                $"{PathOf(call, id)}/targets?limit={IJobGrain.TargetsPageMax}{Query(call, states)}",
                page =>
                {
                    missing.UnionWith(page.Unreachable);
                    return (page.Targets, page.Next);
                },
                cancellationToken);
            call.Print.List(targets,
                ("identity", target => target.Identity),
                ("overlay", target => target.Overlay),
                ("stage", target => target.Stage),
                ("state", target => target.State),
                ("attempts", target => target.Attempts));
            return JobResultsCommand.SayMissing(call, missing);
        })
        { id, states };
    }

    private static ClientCommand Tell(string verb, string description)
    {
        var id = new Argument<string>("id");
        var reason = ReasonOption();
        return new ClientCommand(verb, description, (call, cancellationToken) =>
            PostAsync(call, id, verb, new ReasonBody(call.Arguments.GetRequiredValue(reason)), cancellationToken))
        { id, reason };
    }

    private static ClientCommand Advance()
    {
        var id = new Argument<string>("id");
        var reason = ReasonOption();
        var stage = new Option<int?>("--stage")
        {
            Description = "The number of the stage that is done, from 0; the one that the job is at, without.",
        };
        const string meaning = "Lets the next stage begin, for a job that bakes or is at a gate.";
        return new ClientCommand("advance", meaning, async (call, cancellationToken) =>
        {
            var done = call.Arguments.GetValue(stage)
                ?? (await call.Api.GetAsync<JobView>(PathOf(call, id), cancellationToken)).Stage;
            await PostAsync(call, id, "advance", new AdvanceBody(done, call.Arguments.GetRequiredValue(reason)), cancellationToken);
        })
        { id, stage, reason };
    }

    private static ClientCommand Retry()
    {
        var id = new Argument<string>("id");
        var reason = ReasonOption();
        var states = StatesOption("Targets that ended in this state; several are given one by one.");
        states.Required = true;
        return new ClientCommand("retry", "Tries targets again.", (call, cancellationToken) =>
        {
            var body = new RetryBody(call.Arguments.GetRequiredValue(states), call.Arguments.GetRequiredValue(reason));
            return PostAsync(call, id, "retry", body, cancellationToken);
        })
        { id, states, reason };
    }

    private static async Task PostAsync(ClientCall call, Argument<string> id, string verb, object body, CancellationToken cancellationToken)
    {
        var job = await call.Api.PostAsync<JobView>($"{PathOf(call, id)}:{verb}", body, cancellationToken);
        call.Print.One(job, ("job", job.Id), ("state", job.State), ("reason", job.Reason.Length > 0 ? job.Reason : null));
    }

    public static string PathOf(ClientCall call, Argument<string> id) =>
        $"{Jobs}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(id))}";

    public static Option<TargetState[]> StatesOption(string description) =>
        new("--state") { Description = description, AllowMultipleArgumentsPerToken = true };

    public static string Query(ClientCall call, Option<TargetState[]> states) =>
        string.Concat((call.Arguments.GetValue(states) ?? []).Select(state => $"&state={state}"));

    public static Option<string> ReasonOption() => new("--reason") { Description = "Why, for the record.", Required = true };

    private static void Print(Printer print, JobView job) => print.Whole(job, people =>
    {
        people.One(job,
            ("job", job.Id),
            ("action", job.Job is { } body ? $"{body.Agent}#{body.Action}" : null),
            ("inputs", job.Job?.Inputs?.ToString() is { Length: > 2 } inputs ? inputs : null),
            ("why", job.Job?.Reason is { Length: > 0 } why ? why : null),
            ("state", job.State),
            ("reason", job.Reason.Length > 0 ? job.Reason : null),
            ("submitted", $"{job.SubmittedAt:u} by {job.Submitter}"),
            ("started", job.StartedAt),
            ("ended", job.EndedAt));
        people.Say("");
        PrintCounts(people, "stage", [.. job.Stages.Select(stage => (stage.Name, stage.Counts)), ("(all)", job.Counts)]);
        if (job.Overlays.Count > 0)
        {
            people.Say("");
            PrintCounts(people, "overlay", [.. job.Overlays.Select(one => (NameOf(one), one.Counts))]);
        }
    });

    private static string NameOf(JobOverlayView part) =>
        $"{part.Overlay}{(part.IsLeftOut ? " (left out)" : part.IsAway ? " (away)" : "")}";

    private static void PrintCounts(Printer print, string name, IReadOnlyList<(string Name, JobCounts Counts)> rows) => print.List(rows,
        (name, row => row.Name),
        ("targets", row => row.Counts.All),
        ("pending", row => row.Counts.Pending),
        ("under way", row => row.Counts.Dispatched + row.Counts.Running),
        ("succeeded", row => row.Counts.Succeeded),
        ("failed", row => row.Counts.Failed),
        ("timed out", row => row.Counts.TimedOut),
        ("rejected", row => row.Counts.Rejected),
        ("skipped", row => row.Counts.Skipped),
        ("cancelled", row => row.Counts.Cancelled),
        ("unknown", row => row.Counts.Unknown));
}

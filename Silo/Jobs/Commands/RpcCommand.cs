using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>controlplane rpc AGENT ACTION key=value …</c>: what <c>choria req</c> does, as a job of one stage.</summary>
internal static class RpcCommand
{
    /// <summary>All nodes at once, as Choria's own client does.</summary>
    private const int ConcurrencyMax = 100_000;

    private static readonly TimeSpan DeliveryMax = JobTimeouts.Default.Delivery;

    private static readonly Argument<string> Agent = new("agent") { Description = "The agent, e.g. rpcutil." };
    private static readonly Argument<string> Action = new("action") { Description = "Its action, e.g. ping." };
    private static readonly Argument<string[]> Inputs = new("inputs")
    {
        Description = "Inputs as key=value, which are what the agent's DDL says that they are; key:=JSON where one must be exact, for all then.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static ClientCommand Create()
    {
        var targets = new RpcTargets();
        var options = new RpcOptions();
        const string meaning = "Has an action done on many nodes and shows their replies.";
        var command = new ClientCommand("rpc", meaning, async (call, cancellationToken) =>
        {
            var body = await BodyOf(call, targets, options, cancellationToken);
            if (call.Arguments.GetValue(options.DryRun))
            {
                return await DryRun.ShowAsync(call, body, cancellationToken);
            }

            var action = await FindAsync(call.Api, body, cancellationToken);
            var job = await call.Api.PostAsync<JobView>("v1/jobs", body, cancellationToken);
            job = await new JobFollower(call).ToEndAsync(job, cancellationToken);
            var reply = Uri.EscapeDataString(call.Arguments.GetValue(options.FilterReplies) ?? "");
            var (results, missing) = await JobResultsCommand.ListAsync(call, $"v1/jobs/{job.Id}/results?reply={reply}", cancellationToken);
            var print = call.Arguments.GetValue(options.Json)
                ? new Printer(call.Arguments.InvocationConfiguration.Output, json: true)
                : call.Print;
            var summaries = SumUp(action, results);
            var display = call.Arguments.GetValue(options.Display);
            print.Whole(
                new RpcView(job, results, summaries), people => new ReplyPrinter(people, display, action).Print(job, results, summaries));
            var whole = JobResultsCommand.SayMissing(call, missing);
            return job.Counts.All > 0 && JobFollower.IsGood(job) ? whole : ExitCodes.Refused;
        })
        { Agent, Action, Inputs };
        targets.AddTo(command);
        options.AddTo(command);
        return command;
    }

    private static async Task<DdlAction?> FindAsync(ApiClient api, JobBody body, CancellationToken cancellationToken)
    {
        var agent = await api.FindAsync<AgentView>($"v1/agents/{Uri.EscapeDataString(body.Agent)}", cancellationToken);
        return agent?.Actions.GetValueOrDefault(body.Action)?.ToAction(body.Action);
    }

    private static IReadOnlyList<DdlSummary> SumUp(DdlAction? action, IReadOnlyList<JobResultView> results)
    {
        if (action is null)
        {
            return [];
        }

        var sums = new DdlAggregates(action);
        foreach (var result in results.Where(result => result.State == TargetState.Succeeded))
        {
            sums.Add(result.Data ?? default);
        }

        return sums.Results;
    }

    private static async Task<JobBody> BodyOf(ClientCall call, RpcTargets targets, RpcOptions options, CancellationToken cancellationToken)
    {
        var agent = call.Arguments.GetRequiredValue(Agent);
        if (RpcInputs.FaultOrNull(call.Arguments.GetValue(Inputs) ?? [], out var inputs) is { } fault)
        {
            throw new IOException(fault);
        }

        var timeout = call.Arguments.GetValue(options.Timeout);
        if (!Durations.TryRead(timeout ?? "0s", out var execution))
        {
            throw new IOException($"--timeout is {Durations.Rule}, and not '{timeout}'");
        }

        return new JobBody(
            agent, call.Arguments.GetRequiredValue(Action), await targets.ReadAsync(call, agent, cancellationToken))
        {
            Inputs = inputs,
            Reason = call.Arguments.GetValue(options.Reason) ?? "",
            Mode = call.Arguments.GetValue(options.Mode),
            Stages = [new JobStageBody("all") { Concurrency = call.Arguments.GetValue(options.Batch) ?? ConcurrencyMax }],

            // Who has been given up must not begin afterwards.
            Timeouts = timeout is null ? null : new JobTimeoutsBody
            {
                Execution = timeout, Delivery = execution < DeliveryMax ? timeout : Durations.Write(DeliveryMax),
            },
        };
    }
}

/// <summary>The options of <c>rpc</c> that do not say which nodes are meant.</summary>
internal sealed class RpcOptions
{
    public Option<int?> Batch { get; } = new("--batch") { Description = "So many nodes work at once; all without." };

    public Option<JobMode> Mode { get; } = new("--mode")
    {
        Description = "bestEffort asks once; reliable finds out what became of the silent.",
    };

    public Option<string?> Timeout { get; } = new("--timeout") { Description = "How long a node may take, e.g. 30s." };

    public Option<string?> FilterReplies { get; } = new("--filter-replies")
    {
        Description = "Shows only replies for which it holds, e.g. \"not ok() and msg =~ /disk/\". All count.",
    };

    public Option<ReplyDisplay?> Display { get; } = new("--display")
    {
        Description = "Which replies are shown; those that the agent's DDL shows, without.",
    };

    public Option<string?> Reason { get; } = new("--reason") { Description = "Why, for the record; policies may demand it." };

    public Option<bool> DryRun { get; } = Jobs.DryRun.Option();

    public Option<bool> Json { get; } = new("--json", "-j") { Description = "The same as -o json." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { Batch, Mode, Timeout, FilterReplies, Display, Reason, DryRun, Json })
        {
            command.Add(option);
        }
    }
}

/// <param name="Job">How it ended.</param>
/// <param name="Results">What nodes answered.</param>
/// <param name="Summaries">What the agent's DDL has them summed up to.</param>
internal sealed record RpcView(JobView Job, IReadOnlyList<JobResultView> Results, IReadOnlyList<DdlSummary> Summaries);

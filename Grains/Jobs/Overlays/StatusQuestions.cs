using System.Text;
using System.Text.Json;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>
/// Asks nodes how an action stands: those that did not answer, and those that went on after they had. On its grain's scheduler.
/// </summary>
/// <param name="targets">The job's targets in the overlay.</param>
/// <param name="context">What jobs share.</param>
/// <param name="goOn">Called when something came.</param>
internal sealed class StatusQuestions(OverlayTargets targets, JobContext context, Func<Task> goOn)
{
    private const int FollowedAtOnce = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<int, string> executions = [];
    private List<StatusAnswer> came = [];
    private DateTimeOffset nextAt;
    private bool isAsking;

    private JobAction Action => targets.Order!.Spec.Action;

    /// <summary>Whether a good reply means that the action goes on; it is followed from then on.</summary>
    public bool IsFollowed(int target, string? dataJson)
    {
        if (Action.ExecutorId is not { } name || dataJson is null || TextOrNull(dataJson, name) is not { Length: > 0 } id)
        {
            return false;
        }

        executions[target] = id;
        return true;
    }

    public IReadOnlyList<StatusAnswer> TakeAnswers()
    {
        var taken = came;
        came = [];
        return taken;
    }

    /// <summary>Asks all that are unknown or run, unless that was done lately. Does not wait for the answers.</summary>
    /// <remarks>Those that the executor runs are asked about there, each by its own id; the others by the job's status action.</remarks>
    public void Ask(TargetOutcomes outcomes, DateTimeOffset now)
    {
        if (isAsking || now < nextAt)
        {
            return;
        }

        var running = outcomes.Running.ToLookup(executions.ContainsKey);
        int[] asked = Action.Status is null ? [] : [.. outcomes.Unknown, .. running[false]];
        int[] followed = [.. running[true]];
        if (asked.Length > 0 || followed.Length > 0)
        {
            isAsking = true;
            AskAllAsync(asked, followed, outcomes.Table).Ignore();
        }
    }

    private async Task AskAllAsync(int[] asked, int[] followed, TargetTable table)
    {
        try
        {
            if (asked.Length > 0 && Action.Status is { } status)
            {
                await AskAsync(status, asked, table);
            }

            foreach (var part in followed.Chunk(FollowedAtOnce))
            {
                await Task.WhenAll(part.Select(target =>
                    AskAsync(JobStatusAction.Executor with { InputsJson = InputsOf(executions[target]) }, [target], table)));
            }
        }
        finally
        {
            isAsking = false;
            nextAt = context.Now + Interval;
            await goOn();
        }
    }

    private static string InputsOf(string execution) =>
        JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = execution });

    private async Task AskAsync(JobStatusAction status, IReadOnlyList<int> asked, TargetTable table)
    {
        var left = asked.ToDictionary(
            target => targets.Identities[target], target => (Target: target, Attempt: table.AttemptsOf(target)), StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(Patience, context.Time);
        await using var request = context.Rpc.Open(
            new RpcCall(targets.Order!.Overlay, status.Agent, status.Name, Encoding.UTF8.GetBytes(status.InputsJson)));
        try
        {
            await request.SendAsync([.. asked.Select(targets.ToRpc)], patience.Token);
            await foreach (var reply in request.ReadRepliesAsync(patience.Token))
            {
                if (left.Remove(reply.Identity, out var one) && ReadOrNull(status, one.Target, one.Attempt, reply) is { } answer)
                {
                    came.Add(answer);
                }

                if (left.Count == 0)
                {
                    return;
                }
            }
        }
        catch (Exception silent) when (silent is OperationCanceledException or NetworkUnavailableException)
        {
            // They are asked again.
        }
    }

    // A question that was not executed says nothing of the action, nor does an executor that does not know the id: it stays unknown.
    private static StatusAnswer? ReadOrNull(JobStatusAction status, int target, int attempt, RpcNodeReply reply)
    {
        if (reply.StatusCode > 1 || (reply.StatusCode == 1 && status.Agent == JobStatusAction.Executor.Agent))
        {
            return null;
        }

        var data = reply.DataText;
        var state = reply.StatusCode != 0 ? TargetState.Failed
            : TextOrNull(data, "running") == "True" ? TargetState.Running
            : TextOrNull(data, "exit_code") is { } exit && exit != "0" ? TargetState.Failed
            : TargetState.Succeeded;
        return new StatusAnswer(target, attempt, state, reply.StatusCode, TextOrNull(data, "exit_reason") ?? reply.Message, data);
    }

    private static string? TextOrNull(string? json, string name)
    {
        try
        {
            using var data = JsonDocument.Parse(json ?? "{}");
            return data.RootElement.ValueKind == JsonValueKind.Object && data.RootElement.TryGetProperty(name, out var value)
                ? value.ToString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>How an attempt of an action stands at a target, as the node or its grain says.</summary>
/// <param name="Target">Which target.</param>
/// <param name="Attempt">Which attempt.</param>
/// <param name="State">How; unknown when nobody can say.</param>
/// <param name="StatusCode">The node's; null where no node answered.</param>
/// <param name="Message">Why, in words.</param>
/// <param name="DataJson">What it answered; null when nothing.</param>
internal sealed record StatusAnswer(int Target, int Attempt, TargetState State, int? StatusCode, string Message, string? DataJson);

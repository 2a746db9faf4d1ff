using ControlPlane.Flow;
using ControlPlane.Store;

namespace ControlPlane.Jobs;

/// <summary>
/// What comes of a job's targets in one overlay: replies, silence, and what follows from either. On its grain's scheduler.
/// </summary>
internal sealed class TargetOutcomes
{
    private readonly Dictionary<string, int> positions;
    private readonly OverlayTargets targets;
    private readonly JobContext context;
    private readonly PriorityQueue<int, DateTimeOffset> deadlines = new();
    private readonly Dictionary<int, DateTimeOffset> deadlineOf = [];
    private readonly Dictionary<int, DateTimeOffset> unknownSince = [];
    private readonly Dictionary<int, DateTimeOffset> abandoned = [];
    private readonly List<JobResult> unlogged = [];
    private JobResult[] logging = [];

    public TargetOutcomes(OverlayTargets targets, TargetTable table, JobContext context)
    {
        (this.targets, Table, this.context) = (targets, table, context);
        positions = Enumerable.Range(0, targets.Identities.Count)
            .ToDictionary(number => targets.Identities[number], StringComparer.Ordinal);
        Queue = new TargetQueue(table);
    }

    public TargetTable Table { get; }

    public TargetQueue Queue { get; }

    /// <summary>Whether something changed that is not stored.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Whether targets that ended badly may be tried again, and those that are unknown are asked about.</summary>
    public bool IsEnding { get; set; }

    public int UnloggedCount => unlogged.Count;

    /// <summary>Those of which it is not known what came of them, and which are asked about still.</summary>
    public IReadOnlyCollection<int> Unknown => unknownSince.Keys;

    /// <summary>
    /// How many nodes are at work, or may be: what a silo that ended had sent goes on there. A node that does not answer keeps no other
    /// waiting; a grain that does not may have begun.
    /// </summary>
    public int UnderWay => Table.CountOf(TargetState.Dispatched) + Table.CountOf(TargetState.Running)
        + (OwnAgent.Runs(Spec.Action) ? abandoned.Keys.Union(unknownSince.Keys).Count() : abandoned.Count);

    public IEnumerable<int> Running => deadlineOf.Keys.Where(target => Table[target] == TargetState.Running);

    private JobSpec Spec => targets.Order!.Spec;

    /// <summary>Whether somebody can say what became of a target that is unknown.</summary>
    private bool CanAsk =>
        OwnAgent.Runs(Spec.Action) || (Spec is { Mode: JobMode.Reliable, Action.Status: not null } && !IsEnding);

    public int? FindPosition(string identity) => positions.TryGetValue(identity, out var target) ? target : null;

    /// <summary>Counts what was logged before the silo ended and is not in the table.</summary>
    public void Recall(JobResult result)
    {
        if (positions.TryGetValue(result.Identity, out var target))
        {
            Table.Set(target, result.State);
        }
    }

    /// <summary>
    /// Gives up what was under way when the silo ended: what came of it is unknown. What was to follow from the others follows now.
    /// </summary>
    public void TakeUp(DateTimeOffset now)
    {
        for (var target = 0; target < Table.Count; target++)
        {
            if (Table[target] == TargetState.Dispatched)
            {
                End(target, TargetState.Unknown, new Said(null, "the silo that asked it ended before its answer came", null), now);
                abandoned[target] = now + Spec.Timeouts.Execution;
            }
            else if (Table[target] == TargetState.Running)
            {
                Await(target, now);
            }
            else
            {
                GoOn(target, now);
            }
        }
    }

    /// <summary>A node's reply to an attempt. One to an earlier attempt says nothing of the one that is under way.</summary>
    public void Take(int attempt, RpcNodeReply reply, StatusQuestions questions, DateTimeOffset now)
    {
        if (!positions.TryGetValue(reply.Identity, out var target) || Table.AttemptsOf(target) != attempt)
        {
            return;
        }

        var isLate = Table[target] is TargetState.TimedOut or TargetState.Unknown;
        if (!isLate && Table[target] is not (TargetState.Dispatched or TargetState.Running))
        {
            return;
        }

        var data = reply.DataText;
        var said = new Said(reply.StatusCode, reply.Message, data, isLate);
        if (reply.StatusCode == 0 && questions.IsFollowed(target, data))
        {
            Log(target, TargetState.Running, said, now);
            unknownSince.Remove(target);
            Await(target, now);
            return;
        }

        End(target, StateOf(reply.StatusCode), said, now);
    }

    /// <summary>What is said of how an action stands. Of an earlier attempt, it says nothing of the one that is under way.</summary>
    public void Take(StatusAnswer answer, DateTimeOffset now)
    {
        var was = Table[answer.Target];
        if (Table.AttemptsOf(answer.Target) != answer.Attempt || answer.State == was
            || was is not (TargetState.Dispatched or TargetState.Running or TargetState.Unknown))
        {
            return;
        }

        if (answer.State == TargetState.Running)
        {
            Table.Set(answer.Target, TargetState.Running);
            unknownSince.Remove(answer.Target);
            Await(answer.Target, now);
        }
        else
        {
            End(answer.Target, answer.State, new Said(answer.StatusCode, answer.Message, answer.DataJson), now);
        }
    }

    /// <summary>It is under way from now on.</summary>
    public void Await(int target, DateTimeOffset now)
    {
        var until = now + Spec.Timeouts.Execution;
        abandoned.Remove(target);
        deadlineOf[target] = until;
        deadlines.Enqueue(target, until);
        IsChanged = true;
    }

    /// <summary>Ends what took too long.</summary>
    public void GiveUp(DateTimeOffset now)
    {
        while (deadlines.TryPeek(out var target, out var until) && until <= now)
        {
            deadlines.Dequeue();
            if (deadlineOf.GetValueOrDefault(target) == until && Table[target] is TargetState.Dispatched or TargetState.Running)
            {
                var isSilent = Table[target] == TargetState.Dispatched;
                var state = isSilent && Spec.Mode == JobMode.Reliable ? TargetState.Unknown : TargetState.TimedOut;
                var limit = Spec.Timeouts.Execution;
                End(target, state, new Said(null, isSilent ? $"no answer within {limit}" : $"it had not ended after {limit}", null), now);
            }
        }

        foreach (var (target, _) in abandoned.Where(one => one.Value <= now).ToArray())
        {
            abandoned.Remove(target);
        }

        foreach (var (target, _) in unknownSince.Where(unknown => unknown.Value + Spec.Timeouts.UnknownGrace <= now).ToArray())
        {
            unknownSince.Remove(target);
            IsChanged = true;
            Repeat(target, now);
        }
    }

    public void CancelPending(DateTimeOffset now)
    {
        for (var target = 0; Table.CountOf(TargetState.Pending) > 0 && target < Table.Count; target++)
        {
            if (Table[target] == TargetState.Pending)
            {
                End(target, TargetState.Cancelled, new Said(null, "the job had ended", null), now);
            }
        }
    }

    /// <summary>It is left out: nothing was sent to it.</summary>
    public void LeaveOut(int target, TargetState state, DateTimeOffset now) =>
        End(target, state, new Said(null, "it is not heard on its overlay", null), now);

    /// <summary>Targets in some states are pending again.</summary>
    public void TryAgain(IReadOnlyList<TargetState> states)
    {
        for (var target = 0; target < Table.Count; target++)
        {
            if (states.Contains(Table[target]) && Table.AttemptsOf(target) < TargetTable.AttemptsMax)
            {
                Table.Set(target, TargetState.Pending);
                unknownSince.Remove(target);
            }
        }

        Queue.Reset();
        IsChanged = true;
    }

    /// <summary>Logs what came. Before it is counted: whatever ends the silo, what was counted can be read.</summary>
    /// <param name="topic">The topic of the log.</param>
    /// <param name="batch">The name of what is logged now; the same until that is known to be logged.</param>
    /// <returns>The position of the last record; null when there was nothing to log.</returns>
    /// <exception cref="StoreUnavailableException">The log does not take it now; it is kept for the next time.</exception>
    public async Task<ulong?> LogAsync(string topic, string batch)
    {
        if (unlogged.Count == 0)
        {
            return null;
        }

        // What comes meanwhile waits for the next time, also when this time fails: under one name the same is logged.
        if (logging.Length == 0)
        {
            logging = [.. unlogged];
        }

        var position = await context.Results.AppendAsync(topic, batch, logging, CancellationToken.None);
        context.Meter.Came(logging);
        unlogged.RemoveRange(0, logging.Length);
        logging = [];
        return position;
    }

    private static TargetState StateOf(int statusCode) => statusCode switch
    {
        0 => TargetState.Succeeded,
        2 or 3 or 4 => TargetState.Rejected,
        _ => TargetState.Failed,
    };

    private void End(int target, TargetState state, Said said, DateTimeOffset now)
    {
        Log(target, state, said, now);
        abandoned.Remove(target);
        deadlineOf.Remove(target);
        unknownSince.Remove(target);
        GoOn(target, now);
    }

    // By how the target stands and by nothing else, so that the same follows when the silo ended before it was stored. What is unknown is
    // asked about first where there is something to ask; until then it is not at rest.
    private void GoOn(int target, DateTimeOffset now)
    {
        if (Table[target] == TargetState.Unknown && CanAsk)
        {
            unknownSince[target] = now;
        }
        else
        {
            Repeat(target, now);
        }
    }

    // Who was left out without an attempt is not tried again: that is not how it would be heard.
    private void Repeat(int target, DateTimeOffset now)
    {
        var retry = Spec.Retry;
        var attempts = Table.AttemptsOf(target);
        if (IsEnding || !retry.On.Contains(Table[target]) || attempts == 0 || attempts > retry.Max)
        {
            return;
        }

        IsChanged = true;
        Table.Set(target, TargetState.Pending);
        Queue.Postpone(
            target, now + (Backoff.Doubled(retry.Backoff, attempts - 1, retry.BackoffMax) * context.Jitter.NextDouble()));
    }

    private void Log(int target, TargetState state, Said said, DateTimeOffset at)
    {
        Table.Set(target, state);
        unlogged.Add(new JobResult(
            targets.Identities[target],
            targets.Order!.Overlay,
            Table.AttemptsOf(target),
            state,
            said.StatusCode,
            said.Message,
            said.DataJson,
            at,
            said.IsLate));
        IsChanged = true;
    }

    private sealed record Said(int? StatusCode, string Message, string? DataJson, bool IsLate = false);
}

using ControlPlane.Flow;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Jobs;

/// <summary>
/// Tells others of one job's events and asks at its gates, as its record says. Only how soon that is tried again is not stored.
/// </summary>
/// <remarks>
/// Not thread-safe: the job's grain runs it. A receiver is given one event after the other; none waits for another, and the job for none.
/// A silo that ends after an event was given and before that is stored gives it again: events are told at least once.
/// </remarks>
/// <param name="job">The job.</param>
/// <param name="record">How it stands.</param>
/// <param name="change">Changes its record, by an answer where there is one.</param>
/// <param name="receivers">Who is told.</param>
/// <param name="context">What jobs share.</param>
/// <param name="logger">Where it says what it gave up.</param>
internal sealed partial class JobOutbox(
    string job,
    Func<JobRecord> record,
    Func<Func<JobRecord, JobRecord>, GateAnswer?, Task> change,
    JobReceivers receivers,
    JobContext context,
    ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromMinutes(1);

    // By receiver; a gate's question has a key that no web hook can be named by.
    private const string Gate = "GATE";

    private readonly HashSet<string> underWay = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Failures, DateTimeOffset TryAt)> failed = new(StringComparer.Ordinal);

    /// <summary>Begins what is due and not under way. Returns at once.</summary>
    public void GoOn()
    {
        foreach (var receiver in record().Notices.SelectMany(notice => notice.Receivers).Distinct(StringComparer.Ordinal).Where(IsDue))
        {
            Begin(receiver, () => TellAsync(receiver));
        }

        if (record() is { State: JobState.AtGate, Question: { } question } && question.AskAt <= context.Now && IsDue(Gate))
        {
            Begin(Gate, () => AskAsync(question));
        }
    }

    private bool IsDue(string receiver) =>
        !underWay.Contains(receiver) && !(failed.TryGetValue(receiver, out var last) && last.TryAt > context.Now);

    private void Begin(string receiver, Func<Task> work)
    {
        underWay.Add(receiver);
        context.Loops.RoundAsync(
            "job events",
            async _ =>
            {
                try
                {
                    await work();
                }
                finally
                {
                    underWay.Remove(receiver);
                }
            },
            CancellationToken.None).Ignore();
    }

    private async Task TellAsync(string receiver)
    {
        while (record().UntoldTo(receiver).FirstOrDefault() is { } happened)
        {
            try
            {
                await receivers.TellAsync(receiver, job, record(), happened);
            }
            catch (ReceiverUnavailableException away)
            {
                Fail(receiver);
                context.Meter.Told(receiver, "failed", 1);
                await GiveUpAsync(receiver, away.Message);
                return;
            }

            failed.Remove(receiver);
            context.Meter.Told(receiver, "delivered", 1);
            await change(stored => stored.Told(receiver, [happened.Version]), null);
        }
    }

    // Whoever is away for so long is not told any more; what happened since is kept for it.
    private async Task GiveUpAsync(string receiver, string why)
    {
        var patience = context.Options.NotifyPatience;
        int[] late = [.. record().UntoldTo(receiver).Where(one => one.At + patience <= context.Now).Select(one => one.Version)];
        if (late.Length > 0)
        {
            LogGivenUp(job, receiver, late.Length, patience, why);
            context.Meter.Told(receiver, "givenUp", late.Length);
            await change(stored => stored.Told(receiver, late), null);
        }
    }

    private async Task AskAsync(GateQuestion question)
    {
        var hook = record().Spec!.Stages[question.Stage].GateWebHook!;
        var answer = await receivers.AskAsync(hook, job, record(), question);
        if (answer.Decision is null)
        {
            Fail(Gate);
        }
        else
        {
            failed.Remove(Gate);
        }

        context.Meter.Asked(hook, answer.Decision);
        await change(stored => stored, answer);
    }

    private void Fail(string receiver)
    {
        var failures = failed.GetValueOrDefault(receiver).Failures + 1;
        var wait = Backoff.Doubled(RetryDelay, failures - 1, RetryDelayMax);
        failed[receiver] = (failures, context.Now + Backoff.Spread(wait, context.Jitter.NextDouble()));
    }

    [LoggerMessage(
        LogLevel.Warning, "Job {Job}: {Receiver} could not be told within {Patience}, and {Count} events are given up. Last: {Reason}")]
    private partial void LogGivenUp(string job, string receiver, int count, TimeSpan patience, string reason);
}

using System.Collections.Concurrent;
using ControlPlane.Flow;
using Microsoft.Extensions.Options;

namespace ControlPlane.Jobs;

/// <summary>Who is told and asked by all jobs of a silo. One that fails is left alone for a while, by all of them.</summary>
internal sealed class JobReceivers(
    IWebHooks hooks, IJobEvents events, JobSites sites, IOptionsMonitor<JobsOptions> options, TimeProvider time)
{
    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, OutsideCalls> calls = new(StringComparer.Ordinal);

    /// <summary>What a specification names that cannot be told or asked here, each in words for the submitter.</summary>
    public IEnumerable<string> Unknown(JobSpec spec) =>
    [
        .. JobSpecCheck.UnknownWebHooks(spec, options.CurrentValue.WebHooks.Keys),
        .. spec.Notify is { Nats: true } && events.Obstacle is { } obstacle ? [$"notify.nats: {obstacle}"] : Array.Empty<string>(),
    ];

    /// <exception cref="ReceiverUnavailableException">It was not told, or nobody knows.</exception>
    public Task TellAsync(string receiver, string job, JobRecord record, JobTransition happened)
    {
        var json = JobCloudEvents.Of(sites.Here, job, record, happened);
        return CallAsync(receiver, receiver == JobNotice.Nats
            ? async () =>
            {
                await events.PublishAsync(
                    $"controlplane.job.{job}.{JobCloudEvents.NameOf(happened.Kind)}", json, CancellationToken.None);
                return "";
            }
            : () => hooks.PostAsync(receiver, JobCloudEvents.IdOf(job, happened), json, CancellationToken.None));
    }

    /// <summary>Asks a gate's web hook; that it gives no answer is one as well.</summary>
    public async Task<GateAnswer> AskAsync(string hook, string job, JobRecord record, GateQuestion question)
    {
        try
        {
            var json = JobCloudEvents.Of(sites.Here, job, record, question);
            return JobGates.Read(question, await CallAsync(
                hook, () => hooks.PostAsync(hook, JobCloudEvents.IdOf(job, question), json, CancellationToken.None)));
        }
        catch (ReceiverUnavailableException away)
        {
            return JobGates.None(question, away.Message);
        }
    }

    private async Task<string> CallAsync(string receiver, Func<Task<string>> call)
    {
        var bounds = calls.GetOrAdd(receiver, _ => new OutsideCalls(LeftAloneFor, time));
        if (bounds.TryBegin() is { } obstacle)
        {
            throw new ReceiverUnavailableException(obstacle);
        }

        var result = CallResult.Failed;
        try
        {
            var answer = await call();
            result = CallResult.Answered;
            return answer;
        }
        finally
        {
            bounds.End(result);
        }
    }
}

using System.ComponentModel;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Jobs;

/// <summary>One job as server-sent events, from where a watcher was.</summary>
internal static class JobWatchEndpoint
{
    /// <summary>Quiet connections are cut by what lies between; an event after each such while keeps them.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15);

    /// <summary>A job of many nodes changes with each reply: at most two events a second.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public static void MapJobWatch(this IEndpointRouteBuilder v1) =>
        v1.MapGet("/jobs/{id}:watch", WatchAsync).WithName("WatchJob").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("A job as server-sent events, at most two a second. An event's id is the version to go on from.")
            .WithDescription("Events: job (as it stands now), gone (it is no longer kept; the last event), ping.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Results<ServerSentEventsResult<JobEvent>, ProblemHttpResult>> WatchAsync(
        IGrainFactory grains,
        WatcherLimit places,
        TimeProvider time,
        HttpContext http,
        string id,
        [FromHeader(Name = "Last-Event-ID"),
         Description("The id of the last event that was seen; browsers send it by themselves.")]
        string? lastEventId = null,
        [Description("The same, for clients that cannot set the header.")] string? after = null,
        CancellationToken cancellationToken = default)
    {
        if (!JobId.IsValid(id))
        {
            return Problems.Malformed(JobEndpoints.JobIdRule);
        }

        var text = string.IsNullOrEmpty(lastEventId) ? after : lastEventId;
        var version = -1;
        if (!string.IsNullOrEmpty(text) && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out version))
        {
            return Problems.Malformed("the version is not one that this API gave");
        }

        var job = grains.GetJob(id);
        return await job.Get() is null ? JobEndpoints.Unknown(id)
            : places.TryTake(http.Response) ? TypedResults.ServerSentEvents(FollowAsync(job, version, time, cancellationToken))
            : Problems.TooManyWatchers(WatcherLimit.Max);
    }

    private static async IAsyncEnumerable<SseItem<JobEvent>> FollowAsync(
        IJobGrain job, int version, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var found = await job.Follow(version, PingInterval);
            if (found is null)
            {
                yield return new SseItem<JobEvent>(new JobEvent(null), "gone");
                yield break;
            }

            if (found.Version <= version)
            {
                yield return new SseItem<JobEvent>(new JobEvent(null), "ping");
                continue;
            }

            version = found.Version;
            yield return new SseItem<JobEvent>(new JobEvent(JobView.Following(found)), "job")
            {
                EventId = version.ToString(CultureInfo.InvariantCulture),
            };
            await Task.Delay(Pause, time, cancellationToken);
        }
    }
}

/// <param name="Job">How it stands; null but in events of the type <c>job</c>.</param>
internal sealed record JobEvent(JobView? Job);

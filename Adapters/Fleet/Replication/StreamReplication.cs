using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats;
using ControlPlane.Flow;
using ControlPlane.Placement;
using ControlPlane.Replication;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet.Replication;

/// <summary>Copies between two networks of brokers, over connections that live as long as one try.</summary>
internal sealed class StreamReplication(
    IOptions<ReplicationOptions> options,
    IOptions<FleetOptions> fleet,
    IOptions<OverlaysOptions> overlays,
    TimeProvider time,
    ILoggerFactory loggers) : IStreamReplication
{
    private readonly Random jitter = new();

    private string Here => overlays.Value.Local;

    public IReadOnlyList<ReplicationLink> Links { get; } =
    [
        .. options.Value.Links.OrderBy(link => link.Key, StringComparer.Ordinal).Select(link => new ReplicationLink(
            link.Key,
            Describe(link.Value.SourceStream, link.Value.Source),
            Describe(TargetOf(link.Value), link.Value.Target),
            link.Value.RetentionLeftMin,
            link.Value.LagMax)),
    ];

    /// <summary>The stream that a link appends to.</summary>
    public static string TargetOf(ReplicationLinkOptions link) => link.TargetStream ?? link.SourceStream;

    public Task CopyAsync(string link, string? checkpoint, ReplicationObserver observer, CancellationToken cancellationToken)
    {
        var kept = checkpoint is null ? null : ReplicaCheckpoint.Read(checkpoint);
        return DoAsync(
            link,
            async (settings, source, target) =>
            {
                await new ReplicaCopier(settings, source.JetStream, target.JetStream, jitter, time).RunAsync(
                    kept, next => observer.KeepAsync(next.ToJson()), progress => observer.Report(Read(progress)), cancellationToken);
                return true;
            },
            cancellationToken,
            async (settings, source) => observer.Estimate(Read(
                await new ReplicaBacklog(settings, source.JetStream, time).MeasureAsync(
                    kept ?? new ReplicaCheckpoint(new ReplicaCursor("", 0)), cancellationToken))));
    }

    public Task<ReplicationVerification> VerifyAsync(string link, int copiesMax, CancellationToken cancellationToken) => DoAsync(
        link,
        async (settings, source, target) =>
        {
            var match = await new ReplicaComparison(settings, source.JetStream, target.JetStream, time)
                .CompareAsync(copiesMax, cancellationToken);
            return new ReplicationVerification(
                match.First,
                match.Last,
                match.Originals,
                match.Copies,
                match.Gaps,
                [.. match.Differences.Select(one => new ReplicationDifference(one.First, one.Last, one.Originals, one.Copies))]);
        },
        cancellationToken);

    private async Task<T> DoAsync<T>(
        string name,
        Func<ReplicaSettings, ReplicationConnection, ReplicationConnection, Task<T>> work,
        CancellationToken cancellationToken,
        Func<ReplicaSettings, ReplicationConnection, Task>? withoutTarget = null)
    {
        var link = options.Value.Links[name];
        var settings = SettingsOf(name, link);
        try
        {
            await using var source = await OpenAsync(
                $"replication of {name}, source", link.Source, inbox => ReplicationSubjects.OfSource(settings, inbox), cancellationToken);
            await using var target = await OpenTargetAsync(settings, link, source, withoutTarget, cancellationToken);
            return await work(settings, source, target);
        }
        catch (Exception fault) when (
            NatsFault.Is(fault) || fault is ReplicaFaultException or BrokerLoginException or TimeoutException
            || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new StoreUnavailableException($"the link {name} broke off: {fault.Message}", fault);
        }
    }

    private async Task<ReplicationConnection> OpenTargetAsync(
        ReplicaSettings settings,
        ReplicationLinkOptions link,
        ReplicationConnection source,
        Func<ReplicaSettings, ReplicationConnection, Task>? withoutTarget,
        CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(
                $"replication of {settings.Name}, target",
                link.Target,
                inbox => ReplicationSubjects.OfTarget(settings, inbox),
                cancellationToken);
        }
        catch (BrokerLoginException)
        {
            await (withoutTarget?.Invoke(settings, source) ?? Task.CompletedTask);
            throw;
        }
    }

    private Task<ReplicationConnection> OpenAsync(
        string name,
        BrokerLoginOptions? login,
        Func<string, IReadOnlyList<NeededSubject>> needed,
        CancellationToken cancellationToken) => ReplicationConnection.OpenAsync(
            name, login ?? fleet.Value.Overlays[Here], needed, time, loggers, cancellationToken);

    private ReplicaSettings SettingsOf(string name, ReplicationLinkOptions link)
    {
        var settings = new ReplicaSettings(name, Here, link.SourceStream, TargetOf(link))
        {
            Subjects = link.Subjects,
            SubjectPrefix = link.SubjectPrefix ?? $"replica.{name}",
            Start = ReplicaStart.ReadOrNull(link.Start)!,
            WindowMessagesMax = link.WindowMax,
            WindowBytesMax = (int)link.WindowBytesMax,
            Admit = link.RateMax == 0 ? null : Limit(link.RateMax),
        };
        return settings with { Creation = link.CreateTarget ? CreationOf(settings, link) : null };
    }

    // Without a prefix, the subjects that are copied are those of the target; all of a source are not known here.
    private static StreamConfig? CreationOf(ReplicaSettings settings, ReplicationLinkOptions link)
    {
        string[] subjects = settings.SubjectPrefix.Length > 0
            ? [$"{settings.SubjectPrefix}.>"]
            : [.. settings.Subjects, settings.GapSubject];
        return settings.SubjectPrefix.Length == 0 && settings.Subjects.Count == 0 ? null : new StreamConfig(settings.Target, subjects)
        {
            Description = $"ControlPlane: copies of {settings.Source}, by the link {settings.Name} of {settings.Replicator}",
            MaxAge = link.TargetMaxAge,
            MaxBytes = link.TargetBytesMax,
            NumReplicas = link.TargetReplicas,
        };
    }

    private Func<TimeSpan> Limit(int perSecond)
    {
        var limiter = new RateLimiter(new RateLimit(perSecond * 60, TimeSpan.FromSeconds(1)));
        return () =>
        {
            var now = time.GetUtcNow();
            var wait = limiter.WaitFor(now);
            if (wait <= TimeSpan.Zero)
            {
                limiter.Take(now);
            }

            return wait;
        };
    }

    private ReplicationProgress Read(ReplicaProgress progress) => new(
        progress.Source.Sequence,
        progress.Pending,
        progress.OldestPendingAt,
        progress.RetentionLeft,
        progress.Copied,
        progress.CopiedBytes,
        progress.Gaps,
        time.GetUtcNow());

    private static string Describe(string stream, BrokerLoginOptions? login) =>
        $"{stream} at {(login is null ? "this site" : string.Join(", ", login.Urls))}";
}

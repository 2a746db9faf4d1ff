using Microsoft.Extensions.Logging;

namespace ControlPlane.Replication;

/// <summary>What a link does and how far it is, for those who ask, the metrics and the log.</summary>
internal sealed partial class ReplicationStatus(ReplicationLink link, ReplicationMeter meter, TimeProvider time, ILogger logger)
{
    private ReplicationState state = ReplicationState.Starting;
    private string? reason;
    private DateTimeOffset since = time.GetUtcNow();
    private ReplicationProgress? progress;
    private ReplicationProgress? ofAttempt;
    private bool isAlarmed;

    /// <summary>Whether the last try copied something.</summary>
    public bool HasCopied => ofAttempt is { Copied: > 0 };

    public ReplicationSnapshot ToSnapshot() =>
        new(link.Name, link.Source, link.Target, state, reason, since) { Progress = progress };

    /// <summary>A try begins. What it does is unchanged until it is heard of.</summary>
    public void Begin() => ofAttempt = null;

    /// <summary>Hears how far it is.</summary>
    public void Report(ReplicationProgress next)
    {
        meter.Add(
            link.Name,
            next.Copied - (ofAttempt?.Copied ?? 0),
            next.CopiedBytes - (ofAttempt?.CopiedBytes ?? 0),
            next.Gaps - (ofAttempt?.Gaps ?? 0));
        if (next.Gaps > (ofAttempt?.Gaps ?? 0))
        {
            LogGap(link.Name, next.CopiedThrough);
        }

        ofAttempt = progress = next;
        Change(ReplicationState.Copying, null);
        meter.Set(ToSnapshot());
        Alarm(next);
    }

    /// <summary>Hears what waits while it cannot copy. What it did before that stays.</summary>
    public void Estimate(ReplicationProgress next)
    {
        progress = progress is null ? next : progress with
        {
            Pending = next.Pending,
            OldestPendingAt = next.OldestPendingAt,
            RetentionLeft = next.RetentionLeft,
            At = next.At,
        };
        meter.Set(ToSnapshot());
        Alarm(progress);
    }

    /// <summary>It does something else now, or for another reason.</summary>
    public void Change(ReplicationState next, string? because)
    {
        if (next == state && because == reason)
        {
            return;
        }

        (since, state, reason) = (next == state ? since : time.GetUtcNow(), next, because);
        meter.Set(ToSnapshot());
        if (next == ReplicationState.Failing)
        {
            LogFailing(link.Name, because ?? "");
        }
        else
        {
            LogChanged(link.Name, next, because ?? "");
        }
    }

    /// <summary>It is somebody else's now.</summary>
    public void Forget() => meter.Forget(link.Name);

    private void Alarm(ReplicationProgress next)
    {
        var isLow = next.RetentionLeft < link.RetentionLeftMin;
        if (isLow && !isAlarmed)
        {
            LogRetention(link.Name, next.RetentionLeft, next.Pending);
        }

        isAlarmed = isLow;
    }

    [LoggerMessage(LogLevel.Information, "The link {Link} is {State}. {Reason}")]
    private partial void LogChanged(string link, ReplicationState state, string reason);

    [LoggerMessage(LogLevel.Warning, "The link {Link} fails and is tried again: {Reason}")]
    private partial void LogFailing(string link, string reason);

    [LoggerMessage(LogLevel.Error, "The source of the link {Link} no longer had all that was to be copied: a gap record before {Sequence} says what")]
    private partial void LogGap(string link, ulong sequence);

    [LoggerMessage(
        LogLevel.Warning,
        "The source of the link {Link} is about to drop what is not copied yet: {RetentionLeft:P0} of its room or time is left, {Pending} messages wait")]
    private partial void LogRetention(string link, double retentionLeft, long pending);
}

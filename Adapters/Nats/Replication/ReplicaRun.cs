using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>
/// Copies from one look at a target to the next: reads ahead, sends as much as the window takes, and goes on when answers come. One loop:
/// what it waits for runs beside it and changes nothing.
/// </summary>
internal sealed class ReplicaRun(
    ReplicaSettings settings, ReplicaReader reader, ReplicaWindow window, ReplicaTotals totals, long messageBytesMax, TimeProvider time)
{
    /// <summary>A server that takes what it is sent answers within milliseconds; the rest is for the way.</summary>
    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Between two looks at a source that has something to be copied.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    /// <summary>The same while it has nothing: a hundred idle links are not to keep brokers busy.</summary>
    private static readonly TimeSpan IdleLookInterval = TimeSpan.FromSeconds(15);

    private readonly Queue<Replica> _next = [];
    private long _lookedAt = time.GetTimestamp();
    private long _nextBytes;

    private bool IsIdle => _next.Count == 0 && window.Count == 0;

    /// <summary>Goes on until it is cancelled, or fails.</summary>
    /// <param name="first">What has to be said before the first copy; null when nothing has.</param>
    /// <param name="onTick">Called about once a second, and after each look at the source.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task GoAsync(Replica? first, Func<ReplicaRun, Task> onTick, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Enqueue(first is null ? [] : [first]);
        Task<SourceBatch>? reading = null;
        Task<SourceLook>? looking = null;
        Task? answering = null;
        var ticking = Task.Delay(Tick, time, ending.Token);
        try
        {
            while (true)
            {
                TakeStored();
                var pause = await SendAsync(cancellationToken);
                totals.Hold(_next.Count + window.Count, _nextBytes + window.Bytes);
                reading ??= _next.Count < settings.WindowMessagesMax ? reader.ReadAsync(ending.Token) : null;
                answering ??= window.WaitAsync(ending.Token);
                looking ??= IsLookDue() ? reader.LookAsync(ending.Token) : null;
                await WaitAsync([reading, looking, answering, ticking], pause, ending.Token);
                if (reading is { IsCompleted: true })
                {
                    Enqueue(reader.Take(await reading, messageBytesMax));
                    reading = null;
                }

                if (looking is { IsCompleted: true })
                {
                    Enqueue(reader.Heed(await looking, IsIdle) is { } missing ? [missing] : []);
                    looking = null;
                    await onTick(this);
                }

                if (answering.IsCompleted)
                {
                    await answering;
                    answering = null;
                }

                if (ticking.IsCompleted)
                {
                    window.ThrowIfSilentFor(AnswerWait);
                    await onTick(this);
                    cancellationToken.ThrowIfCancellationRequested();
                    ticking = Task.Delay(Tick, time, ending.Token);
                }
            }
        }
        finally
        {
            // Nothing may read a subscription that is taken away, nor fail unseen.
            await ending.CancelAsync();
            foreach (var left in new[] { reading, looking, answering, ticking }.OfType<Task>())
            {
                await left.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>How it stands.</summary>
    public ReplicaProgress Progress()
    {
        var oldest = window.Oldest ?? (_next.TryPeek(out var next) ? next : null);
        var pending = reader.Pending + _next.Count + window.Count;
        var oldestAt = pending == 0 ? null : oldest?.Cursor.StoredAt ?? totals.Stored.StoredAt;
        var left = reader.State.RetentionLeft(pending, oldestAt, time.GetUtcNow());
        return totals.ToProgress(IsIdle ? reader.Examined : totals.Stored, pending, oldestAt, left);
    }

    /// <summary>The target's last sequence, and up to where all of the source is in it.</summary>
    public (ulong TargetSequence, ReplicaCursor Examined) Reached() =>
        (window.TargetSequence, IsIdle ? reader.Examined : totals.Stored);

    private async Task WaitAsync(IEnumerable<Task?> awaited, TimeSpan? pause, CancellationToken cancellationToken)
    {
        var tasks = awaited.OfType<Task>();
        await Task.WhenAny(pause is { } wait ? tasks.Append(Task.Delay(wait, time, cancellationToken)) : tasks);
    }

    private void TakeStored()
    {
        while (window.TakeStored() is { } stored)
        {
            totals.Add(stored);
        }
    }

    // Gap records do not wait for a rate: there are few.
    private async Task<TimeSpan?> SendAsync(CancellationToken cancellationToken)
    {
        while (_next.TryPeek(out var next) && window.HasRoomFor(next))
        {
            if (!next.IsGap && settings.Admit?.Invoke() is { } wait && wait > TimeSpan.Zero)
            {
                return wait;
            }

            _nextBytes -= next.Size;
            await window.SendAsync(_next.Dequeue(), cancellationToken);
        }

        return null;
    }

    private void Enqueue(IEnumerable<Replica> copies)
    {
        foreach (var copy in copies)
        {
            _next.Enqueue(copy);
            _nextBytes += copy.Size;
        }
    }

    private bool IsLookDue()
    {
        var isDue = time.GetElapsedTime(_lookedAt) >= (IsIdle ? IdleLookInterval : LookInterval);
        _lookedAt = isDue ? time.GetTimestamp() : _lookedAt;
        return isDue;
    }
}

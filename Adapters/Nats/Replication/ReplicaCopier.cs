using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>
/// Follows a JetStream stream and appends each message to another one, in order and once, also when several do it at once or one dies at
/// any moment: where it goes on, the target's last copy says.
/// </summary>
/// <param name="settings">What is copied where.</param>
/// <param name="source">Where the source is; not over the target's connection, or answers wait behind messages.</param>
/// <param name="target">Where the target is.</param>
/// <param name="jitter">What keeps several from trying again at once.</param>
/// <param name="time">The clock.</param>
public sealed class ReplicaCopier(
    ReplicaSettings settings, NatsJSContext source, NatsJSContext target, Random jitter, TimeProvider time)
{
    /// <summary>Looks at the target in a row after which nothing could be appended: then whoever runs it is told.</summary>
    private const int FruitlessMax = 8;

    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(5);

    private readonly ReplicaSource _source = new(source, settings, time);
    private readonly ReplicaTarget _target = new(target, settings);
    private readonly ReplicaTotals _totals = new();
    private ReplicaCheckpoint? _checkpoint;
    private long _keptAt;

    /// <summary>Copies until it is cancelled, or fails.</summary>
    /// <param name="checkpoint">What was kept last; null for a new link.</param>
    /// <param name="keep">Keeps a checkpoint. The first is kept before the first copy is made.</param>
    /// <param name="report">Hears how it stands, about once a second.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaFaultException">It cannot go on.</exception>
    /// <exception cref="NATS.Client.Core.NatsException">A server failed, or is away.</exception>
    public async Task RunAsync(
        ReplicaCheckpoint? checkpoint,
        Func<ReplicaCheckpoint, Task> keep,
        Action<ReplicaProgress> report,
        CancellationToken cancellationToken)
    {
        _checkpoint = checkpoint;
        if (checkpoint is null)
        {
            _checkpoint = new ReplicaCheckpoint(
                await _source.FindOriginAsync(await _source.GetStateAsync(cancellationToken), cancellationToken));
            await keep(_checkpoint);
        }

        for (var fruitless = 0; ; fruitless++)
        {
            var before = _totals.Count;
            try
            {
                await GoOnAsync(_checkpoint!, keep, report, cancellationToken);
            }
            catch (Exception behind) when (behind is ReplicaOutOfStepException or ConsumerLostException)
            {
                fruitless = _totals.Count > before ? 0 : fruitless;
                if (fruitless >= FruitlessMax)
                {
                    throw new ReplicaFaultException(behind.Message, behind);
                }
            }

            // Of two that disturb each other, one waits longer and lets the other go ahead.
            await Task.Delay(
                RetryPause.Doubled(RetryDelay, fruitless, RetryDelayMax) * jitter.NextDouble(), time, cancellationToken);
        }
    }

    private async Task GoOnAsync(
        ReplicaCheckpoint checkpoint,
        Func<ReplicaCheckpoint, Task> keep,
        Action<ReplicaProgress> report,
        CancellationToken cancellationToken)
    {
        var end = await _target.OpenAsync(cancellationToken);
        var state = await _source.GetStateAsync(cancellationToken);
        var reached = ReplicaPlan.Reached(end, checkpoint);
        var plan = ReplicaPlan.Of(settings, reached, state, await _source.IsRewoundAsync(reached, state, cancellationToken));
        _totals.Begin(reached);

        // What is read ahead fills a window again at once when it is answered.
        var limits = new PullLimits(2 * settings.WindowMessagesMax, 2 * settings.WindowBytesMax, () => _totals.Held);
        await using var window = await ReplicaWindow.OpenAsync(target, settings, end.LastSequence, time, cancellationToken);
        await using var reader = await ReplicaReader.OpenAsync(_source, settings, plan.After, state, limits, cancellationToken);
        var run = new ReplicaRun(settings, reader, window, _totals, end.MessageBytesMax, time);
        await run.GoAsync(plan.Gap is null ? null : Replica.Record(settings, plan), OnTickAsync, cancellationToken);

        async Task OnTickAsync(ReplicaRun running)
        {
            report(running.Progress());
            var (sequence, examined) = running.Reached();
            var next = checkpoint with { TargetIncarnation = end.Incarnation, TargetSequence = sequence, Examined = examined };
            if (next != _checkpoint && time.GetElapsedTime(_keptAt) >= KeepInterval)
            {
                await keep(next);
                (_checkpoint, _keptAt) = (next, time.GetTimestamp());
            }
        }
    }
}

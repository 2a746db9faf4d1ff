using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>What the server keeps of one Orleans stream's events after a token: read ahead, one by one, in the background.</summary>
internal sealed class EventHistory : IDisposable
{
    private const int ReadAheadMax = 64;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly QueueDefinition _queue;
    private readonly string _subject;
    private readonly QueueRecord _taken;
    private readonly StreamSequenceToken _after;
    private readonly Action _wake;
    private readonly Action<Exception> _failed;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenRegistration _withQueue;
    private readonly Channel<HeldMessage> _read = Channel.CreateBounded<HeldMessage>(
        new BoundedChannelOptions(ReadAheadMax) { SingleReader = true, SingleWriter = true });

    private JetStreamDataLostException? _lost;

    /// <param name="queue">The queue that the stream's events are in.</param>
    /// <param name="subject">The stream's own subject there.</param>
    /// <param name="taken">The queue as this silo has it.</param>
    /// <param name="after">The last event that is not wanted.</param>
    /// <param name="wake">Called when there is something to take, or nothing more to come.</param>
    /// <param name="failed">Is told of a defect; the message that met it is left out.</param>
    /// <param name="time">Paces what is tried again.</param>
    /// <param name="stopping">Ends the reading with the queue.</param>
    public EventHistory(
        QueueDefinition queue,
        string subject,
        QueueRecord taken,
        StreamSequenceToken after,
        Action wake,
        Action<Exception> failed,
        TimeProvider time,
        CancellationToken stopping)
    {
        _queue = queue;
        _subject = subject;
        _taken = taken;
        _after = after;
        _wake = wake;
        _failed = failed;
        _time = time;
        _withQueue = stopping.Register(_stopping.Cancel);
        _ = RunAsync(_stopping.Token);
    }

    /// <summary>Whether everything was taken that is to come.</summary>
    public bool IsOver => _read.Reader.Completion.IsCompleted;

    public bool TryPeek([MaybeNullWhen(false)] out HeldMessage message) => _read.Reader.TryPeek(out message);

    /// <summary>Takes what was peeked at.</summary>
    public void Take() => _read.Reader.TryRead(out _);

    /// <summary>What is asked for and not kept any more; null when nothing is, or once it was told.</summary>
    public JetStreamDataLostException? TakeLost() => Interlocked.Exchange(ref _lost, null);

    public void Dispose()
    {
        _withQueue.Dispose();
        _stopping.Cancel();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var next = (ulong)Math.Max(1, _after.SequenceNumber - _taken.Base);
        var isBegun = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                isBegun = isBegun || await BeginAsync(cancellationToken);
                if (await _queue.JetStream.NextAsync(_queue.JetStreamName, next, _subject, cancellationToken) is not { } stored)
                {
                    break;
                }

                next = stored.Seq + 1;
                if (Read(stored) is { } message)
                {
                    await _read.Writer.WriteAsync(message, cancellationToken);
                    _wake();
                }
            }
            catch (Exception fault) when (fault is NatsException or TimeoutException)
            {
                await Task.Delay(RetryDelay, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                break;
            }
#pragma warning disable CA1031 // The top of a loop that must go on: whoever reads would wait for ever.
            catch (Exception defect)
#pragma warning restore CA1031
            {
                _failed(defect);
                await Task.Delay(RetryDelay, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        _read.Writer.TryComplete();
        _wake();
    }

    // Zero asks for whatever is kept, so nothing of it can be lost.
    private async Task<bool> BeginAsync(CancellationToken cancellationToken)
    {
        var stream = (await _queue.JetStream.GetStreamAsync(_queue.JetStreamName, cancellationToken: cancellationToken)).Info;
        var wanted = _after.SequenceNumber + 1 - _taken.Base;
        if (_after.SequenceNumber > 0 && wanted < (long)stream.State.FirstSeq)
        {
            _lost = new JetStreamDataLostException(_queue.Name, wanted < 1
                ? new LostMessages((ulong)_after.SequenceNumber + 1, Through: null, "the JetStream stream was deleted and made anew")
                : new LostMessages((ulong)wanted, stream.State.FirstSeq - 1, "the JetStream stream does not keep them any more"));
            _wake();
        }

        return true;
    }

    // What cannot be read became a dead letter when its queue came by.
    private HeldMessage? Read(StoredMessage stored)
    {
        var message = new JetStreamMessage(_queue.Name, stored.Subject, stored.ReadHeaders(), stored.Data, stored.Seq, stored.Time);
        var content = _queue.Reader.Read(message);
        var position = _taken.Base + (long)stored.Seq;
        var had = position == _after.SequenceNumber ? (int)Math.Min(content.Events.Length, _after.EventIndex + 1L) : 0;
        return content.Events.Length <= had
            ? null
            : new HeldMessage
            {
                Message = message,
                Position = position,
                Epoch = _taken.Epoch,
                AckSubject = "",
                Size = stored.Data.Length,
                Stream = content.Stream,
                Events = content.Events[had..],
                FirstIndex = had,
                RequestContext = content.RequestContext,
            };
    }
}

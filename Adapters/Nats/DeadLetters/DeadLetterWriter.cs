using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>Stores what cannot be delivered, one after the other, and only then lets it be acknowledged.</summary>
internal sealed partial class DeadLetterWriter(
    QueueDefinition queue,
    ProviderNames names,
    JetStreamStreamOptions options,
    Action<HeldMessage> stored,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    // No more than the window holds can be here.
    private readonly Channel<(HeldMessage Message, string Reason)> _dying =
        Channel.CreateBounded<(HeldMessage, string)>(options.WindowMessagesMax + 1);

    private readonly JetStreamStore _letters = new(queue.JetStream, ProviderStreams.DeadLetters(names, options));

    public void Bury(HeldMessage message, string reason)
    {
        message.IsBuried = true;
        _dying.Writer.TryWrite((message, reason));
    }

    /// <summary>Runs until it is cancelled. What cannot be stored stays held, and is tried again, also when this is begun again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await _dying.Reader.WaitToReadAsync(cancellationToken);
                while (_dying.Reader.TryPeek(out var dying))
                {
                    while (!await TryStoreAsync(dying.Message, dying.Reason, cancellationToken))
                    {
                        await Task.Delay(RetryDelay, time, cancellationToken);
                    }

                    stored(dying.Message);
                    _dying.Reader.TryRead(out _);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // What is left is not acknowledged: the next owner meets it again.
            }
        }
    }

    private async Task<bool> TryStoreAsync(HeldMessage message, string reason, CancellationToken cancellationToken)
    {
        try
        {
            await _letters.StoreAsync(
                names.DeadSubject(queue.Name),
                message.Message.Payload,
                DeadLetterHeaders.IdOf(queue, message.Message),
                headers: DeadLetterHeaders.Write(queue, message.Message, reason),
                cancellationToken: cancellationToken);
            LogBuried(queue.Name, message.Message.Sequence, message.Message.Subject, reason);
            return true;
        }
        catch (NatsException fault)
        {
            LogNotStored(queue.Name, message.Message.Sequence, fault.Message);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Queue {Queue}: message {Sequence} on {Subject} is a dead letter now: {Reason}")]
    private partial void LogBuried(string queue, ulong sequence, string subject, string reason);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue}: message {Sequence} cannot be stored as a dead letter yet: {Reason}")]
    private partial void LogNotStored(string queue, ulong sequence, string reason);
}

using System.Threading.Channels;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>Tells the server what is done, and of what is still held that it is in progress.</summary>
internal sealed class Acknowledger(INatsConnection connection, AckWindow window, TimeSpan ackWait, TimeProvider time)
{
    private static readonly byte[] Ack = "+ACK"u8.ToArray();
    private static readonly byte[] InProgress = "+WPI"u8.ToArray();
    private readonly Channel<bool> _due = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>There is something to acknowledge.</summary>
    public void Signal() => _due.Writer.TryWrite(true);

    /// <summary>
    /// Acknowledges what is done and waits for the server to confirm it, where no later one may come to make up for it.
    /// </summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (window.Acknowledgement is { } subject)
        {
            await connection.RequestAsync<byte[], byte[]>(
                subject,
                Ack,
                requestSerializer: NatsRawSerializer<byte[]>.Default,
                replySerializer: NatsRawSerializer<byte[]>.Default,
                cancellationToken: cancellationToken);
        }
    }

    /// <summary>Acknowledges what becomes due, until it is cancelled.</summary>
    /// <remarks>One acknowledgement speaks for all before it, so those that become due while one is being sent are sent as one.</remarks>
    public async Task AcknowledgeAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await _due.Reader.ReadAsync(cancellationToken);
                await SendAsync(window.Acknowledgement, Ack, cancellationToken);
            }
            catch (Exception fault) when (fault is NatsException or OperationCanceledException)
            {
                // The next one speaks for it, or the server delivers again and is told again.
            }
        }
    }

    /// <summary>Tells the server now and then what is still in progress, until it is cancelled.</summary>
    public async Task KeepInProgressAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var third = ackWait / 3;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(third, time, cancellationToken);
                var now = time.GetTimestamp();
                var thirdAgo = now - (long)(third.TotalSeconds * time.TimestampFrequency);
                foreach (var subject in window.TakeOverdue(thirdAgo, now))
                {
                    await SendAsync(subject, InProgress, cancellationToken);
                }
            }
            catch (Exception fault) when (fault is NatsException or OperationCanceledException)
            {
                // Then the server delivers again, which the reader drops.
            }
        }
    }

    private async ValueTask SendAsync(string? subject, byte[] word, CancellationToken cancellationToken)
    {
        if (subject is not null)
        {
            await connection.PublishAsync(
                subject, word, serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
        }
    }
}

using System.Buffers;
using System.Net.Sockets;
using System.Text;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>One NATS connection, with no more than a Choria agent needs: CONNECT, SUB, PUB, PING.</summary>
/// <remarks>
/// Our own instead of NATS.Client.Core, which costs half as much memory and CPU again for each connection (README), does not
/// let the CONNECT line be chosen, and heals what a simulator must be able to break. An idle link holds no buffer and no task
/// but the pending read.
/// </remarks>
internal sealed class NatsLink : IAsyncDisposable
{
    private const int ReadBytes = 8 * 1024;
    private const int MessageBytesMax = 10 * 1024 * 1024;

    private readonly Stream stream;
    private readonly Lock gate = new();
    private readonly OutgoingBytes outgoing = new();
    private readonly CancellationTokenSource closing = new();
    private readonly TaskCompletionSource welcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ILinkListener?> listeners = [null];
    private TaskCompletionSource? drained;
    private bool writing;
    private int unansweredPings;

    private NatsLink(Stream stream, BrokerAddress broker)
    {
        this.stream = stream;
        Broker = broker;
    }

    public BrokerAddress Broker { get; }

    /// <summary>Done when the connection is over; the result says why.</summary>
    public Task<string> Closed => closed.Task;

    /// <summary>Connects as an agent does: INFO in the clear, TLS, CONNECT, PING, and waits for the broker to agree.</summary>
    /// <exception cref="BrokerException">The broker is not there, has no TLS, or refuses the credentials.</exception>
    public static async Task<NatsLink> OpenAsync(
        BrokerAddress broker, Credentials credentials, bool resumeTls, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        NatsLink? link = null;
        try
        {
            await socket.ConnectAsync(broker.EndPoint, cancellationToken);
            var (nonce, stream) = await NatsGreeting.ReceiveAsync(
                new NetworkStream(socket, ownsSocket: true), credentials.Certificate, resumeTls, cancellationToken);
            link = new NatsLink(stream, broker);
            link.Send(outgoing => { outgoing.Append(ConnectLine.Write(credentials, nonce)); outgoing.Append("PING\r\n"u8); });
            _ = link.ReadAsync();
            await link.welcome.Task.WaitAsync(cancellationToken);
            return link;
        }
        catch (Exception unreachable) when (unreachable is not BrokerException)
        {
            await DiscardAsync(link, socket);
            cancellationToken.ThrowIfCancellationRequested();
            throw new BrokerException(unreachable.Message, unreachable);
        }
        catch (BrokerException)
        {
            await DiscardAsync(link, socket);
            throw;
        }
    }

    public int Subscribe(ReadOnlySpan<byte> subject, ILinkListener listener)
    {
        lock (gate)
        {
            listeners.Add(listener);
            var subscription = listeners.Count - 1;
            outgoing.AppendSubscription(subject, subscription);
            StartWriting_NeedsGate();
            return subscription;
        }
    }

    public void Unsubscribe(int subscription)
    {
        lock (gate)
        {
            listeners[subscription] = null;
            outgoing.AppendUnsubscription(subscription);
            StartWriting_NeedsGate();
        }
    }

    public void Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> payload)
    {
        lock (gate)
        {
            if (closing.IsCancellationRequested)
            {
                return;
            }

            outgoing.AppendPublication(subject, payload);
            StartWriting_NeedsGate();
        }
    }

    /// <summary>Pings the broker; two pings without an answer end the link, as they do for an agent.</summary>
    public void Ping()
    {
        if (Interlocked.Increment(ref unansweredPings) > 2)
        {
            Close("the broker stopped answering");
            return;
        }

        Send(static outgoing => outgoing.Append("PING\r\n"u8));
    }

    /// <summary>Done when what was published has been handed to the broker, or the link is over.</summary>
    public Task FlushAsync()
    {
        lock (gate)
        {
            if ((!writing && outgoing.IsEmpty) || closing.IsCancellationRequested)
            {
                return Task.CompletedTask;
            }

            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return drained.Task;
        }
    }

    public void Close(string reason)
    {
        lock (gate)
        {
            if (closing.IsCancellationRequested)
            {
                return;
            }

            closing.Cancel();
            drained?.TrySetResult();
        }

        welcome.TrySetException(new BrokerException(reason));
        _ = welcome.Task.Exception;
        closed.TrySetResult(reason);
        stream.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Close("disposed");
        return ValueTask.CompletedTask;
    }

    private static async ValueTask DiscardAsync(NatsLink? link, Socket socket)
    {
        if (link is not null)
        {
            await link.DisposeAsync();
        }

        socket.Dispose();
    }

    private void Send(Action<OutgoingBytes> write)
    {
        lock (gate)
        {
            write(outgoing);
            StartWriting_NeedsGate();
        }
    }

    private void StartWriting_NeedsGate()
    {
        if (!writing && !closing.IsCancellationRequested)
        {
            writing = true;
            _ = WriteAsync();
        }
    }

    private async Task WriteAsync()
    {
        // Leaves the caller's lock before anything is written, so that one write carries all that the caller has to say.
        await Task.Yield();
        while (true)
        {
            byte[] buffer;
            int length;
            lock (gate)
            {
                if (outgoing.IsEmpty || closing.IsCancellationRequested)
                {
                    writing = false;
                    drained?.TrySetResult();
                    drained = null;
                    return;
                }

                (buffer, length) = outgoing.Take();
            }

            try
            {
                await stream.WriteAsync(buffer.AsMemory(0, length), closing.Token);
            }
            catch (Exception broken) when (broken is IOException or ObjectDisposedException or OperationCanceledException)
            {
                Close(broken.Message);
            }

            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task ReadAsync()
    {
        var reason = "the broker closed the connection";
        var buffer = new IncomingBytes(ReadBytes, MessageBytesMax);
        try
        {
            while (await buffer.FillAsync(stream, closing.Token))
            {
                Interlocked.Exchange(ref unansweredPings, 0);
                while (NatsFrameReader.Read(buffer.Unread, out var frame) is var consumed and > 0)
                {
                    Handle(frame);
                    buffer.Consume(consumed);
                }
            }
        }
        catch (Exception broken) when (broken is IOException or ObjectDisposedException or OperationCanceledException or BrokerException)
        {
            reason = broken.Message;
        }
        finally
        {
            buffer.Release();
            Close(reason);
        }
    }

    private void Handle(NatsFrame frame)
    {
        switch (frame.Kind)
        {
            case NatsFrameKind.Message:
                ListenerOf(frame.Subscription)?.Receive(frame.Body);
                break;
            case NatsFrameKind.Ping:
                Send(static outgoing => outgoing.Append("PONG\r\n"u8));
                break;
            case NatsFrameKind.Pong:
                welcome.TrySetResult();
                break;
            case NatsFrameKind.Error when !IsPermissionsViolation(frame.Body):
                throw new BrokerException(Encoding.UTF8.GetString(frame.Body));
        }
    }

    // The broker refuses one subject and goes on serving the rest, and so does the agent.
    private static bool IsPermissionsViolation(ReadOnlySpan<byte> error) => error.StartsWith("Permissions Violation"u8);

    private ILinkListener? ListenerOf(int subscription)
    {
        lock (gate)
        {
            return subscription < listeners.Count ? listeners[subscription] : null;
        }
    }
}

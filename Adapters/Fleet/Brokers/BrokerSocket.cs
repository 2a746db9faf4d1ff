using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>A connection that is logged in, as NATS' client library takes one.</summary>
/// <remarks>
/// The library reads the broker's INFO and writes CONNECT as on any connection: the first it is given again, the second is dropped, since
/// the broker has ours. From then on bytes only pass through.
/// </remarks>
internal sealed class BrokerSocket(Stream stream, ReadOnlyMemory<byte> unread) : INatsSocketConnection
{
    private ReadOnlyMemory<byte> unread = unread;
    private bool isConnectDropped;
    private int isDisposed;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) =>
        unread.IsEmpty ? stream.ReadAsync(buffer) : ValueTask.FromResult(TakeUnread(buffer));

    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer)
    {
        var kept = isConnectDropped ? buffer : BehindConnect(buffer);
        if (!kept.IsEmpty)
        {
            await stream.WriteAsync(kept).ConfigureAwait(false);
        }

        return buffer.Length;
    }

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref isDisposed, 1) == 0 ? stream.DisposeAsync() : ValueTask.CompletedTask;

    private int TakeUnread(Memory<byte> buffer)
    {
        var count = Math.Min(buffer.Length, unread.Length);
        unread[..count].CopyTo(buffer);
        unread = unread[count..];
        return count;
    }

    // It is the first line, and may come in pieces.
    private ReadOnlyMemory<byte> BehindConnect(ReadOnlyMemory<byte> buffer)
    {
        if (buffer.Span.IndexOf((byte)'\n') is not (>= 0 and var end))
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        isConnectDropped = true;
        return buffer[(end + 1)..];
    }
}

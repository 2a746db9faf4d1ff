using System.Buffers;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>What has arrived from a broker and not been read yet. Holds a buffer only while there is something in it.</summary>
internal sealed class IncomingBytes(int readBytes, int bytesMax)
{
    private byte[] buffer = [];
    private int start;
    private int end;

    public ReadOnlySpan<byte> Unread => buffer.AsSpan(start, end - start);

    /// <summary>Waits for more; false when the other side has ended.</summary>
    /// <exception cref="BrokerException">One message is larger than is taken.</exception>
    public async ValueTask<bool> FillAsync(Stream stream, CancellationToken cancellationToken)
    {
        if (start == end)
        {
            // A read of nothing waits for data without pinning a buffer: 20,000 idle links would pin 160 MB.
            Release();
            _ = await stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
        }

        MakeRoom();
        var read = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken);
        end += read;
        return read > 0;
    }

    public void Consume(int bytes) => start += bytes;

    public void Release()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        (buffer, start, end) = ([], 0, 0);
    }

    private void MakeRoom()
    {
        if (buffer.Length - end >= readBytes / 2)
        {
            return;
        }

        var unread = end - start;
        if (unread > bytesMax)
        {
            throw new BrokerException($"a message is larger than {bytesMax} bytes");
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(readBytes, unread * 2));
        Unread.CopyTo(larger);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        (buffer, start, end) = (larger, 0, unread);
    }
}

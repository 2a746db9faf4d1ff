using System.Buffers;
using System.Buffers.Text;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>What waits to be written to a broker: pooled, so that an idle connection holds no buffer.</summary>
internal sealed class OutgoingBytes
{
    /// <summary>More than this unread by the broker means that it is gone: the link gives up.</summary>
    public const int WaitingBytesMax = 16 * 1024 * 1024;

    private const int InitialBytes = 2048;
    private const int LengthDigitsMax = 10;

    private byte[]? buffer;
    private int length;

    public bool IsEmpty => length == 0;

    public void AppendPublication(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> payload)
    {
        Append("PUB "u8);
        Append(subject);
        Append(" "u8);
        AppendNumber(payload.Length);
        Append("\r\n"u8);
        Append(payload);
        Append("\r\n"u8);
    }

    // The captured agents write two spaces where a queue group would stand.
    public void AppendSubscription(ReadOnlySpan<byte> subject, int subscription)
    {
        Append("SUB "u8);
        Append(subject);
        Append("  "u8);
        AppendNumber(subscription);
        Append("\r\n"u8);
    }

    public void AppendUnsubscription(int subscription)
    {
        Append("UNSUB "u8);
        AppendNumber(subscription);
        Append("\r\n"u8);
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var needed = length + bytes.Length;
        if (needed > WaitingBytesMax)
        {
            throw new BrokerException($"more than {WaitingBytesMax} bytes wait for the broker");
        }

        if (buffer is null)
        {
            buffer = ArrayPool<byte>.Shared.Rent(Math.Max(InitialBytes, bytes.Length));
        }
        else if (buffer.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, needed));
            buffer.AsSpan(0, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }

        bytes.CopyTo(buffer.AsSpan(length));
        length = needed;
    }

    /// <summary>Hands over what waits; the taker returns the array to the shared pool.</summary>
    public (byte[] Buffer, int Length) Take()
    {
        var taken = (buffer ?? [], length);
        (buffer, length) = (null, 0);
        return taken;
    }

    private void AppendNumber(int number)
    {
        Span<byte> digits = stackalloc byte[LengthDigitsMax];
        Utf8Formatter.TryFormat(number, digits, out var written);
        Append(digits[..written]);
    }
}

using System.Buffers.Text;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Cuts the byte stream of a NATS server into frames. Pure: it keeps no state between calls.</summary>
internal static class NatsFrameReader
{
    /// <summary>The longest control line that a server sends: INFO of a large cluster lists its members.</summary>
    public const int ControlLineBytesMax = 64 * 1024;

    private static ReadOnlySpan<byte> EndOfLine => "\r\n"u8;

    /// <summary>Reads the first frame of <paramref name="bytes"/>.</summary>
    /// <returns>The bytes that the frame took, or 0 when it has not wholly arrived.</returns>
    /// <exception cref="BrokerException">The bytes are not the NATS protocol.</exception>
    public static int Read(ReadOnlySpan<byte> bytes, out NatsFrame frame)
    {
        frame = default;
        var lineLength = bytes.IndexOf(EndOfLine);
        if (lineLength < 0)
        {
            return bytes.Length > ControlLineBytesMax
                ? throw new BrokerException($"a control line is longer than {ControlLineBytesMax} bytes")
                : 0;
        }

        var line = bytes[..lineLength];
        var consumed = lineLength + EndOfLine.Length;
        if (line.StartsWith("MSG "u8))
        {
            return ReadMessage(line[4..], headed: false, bytes[consumed..], consumed, out frame);
        }

        if (line.StartsWith("HMSG "u8))
        {
            return ReadMessage(line[5..], headed: true, bytes[consumed..], consumed, out frame);
        }

        frame = ReadControl(line);
        return consumed;
    }

    private static NatsFrame ReadControl(ReadOnlySpan<byte> line) => line switch
    {
        _ when line.StartsWith("INFO "u8) => new NatsFrame(NatsFrameKind.Info, 0, line[5..]),
        _ when line.SequenceEqual("PING"u8) => new NatsFrame(NatsFrameKind.Ping, 0, default),
        _ when line.SequenceEqual("PONG"u8) => new NatsFrame(NatsFrameKind.Pong, 0, default),
        _ when line.SequenceEqual("+OK"u8) => new NatsFrame(NatsFrameKind.Ok, 0, default),
        _ when line.StartsWith("-ERR "u8) => new NatsFrame(NatsFrameKind.Error, 0, line[5..].Trim((byte)'\'')),
        _ => throw new BrokerException("the server sent a line that is not part of the NATS protocol"),
    };

    // MSG <subject> <sid> [reply-to] <#bytes>, and with headers: HMSG <subject> <sid> [reply-to] <#header bytes> <#total bytes>.
    private static int ReadMessage(ReadOnlySpan<byte> line, bool headed, ReadOnlySpan<byte> rest, int consumed, out NatsFrame frame)
    {
        frame = default;
        Span<Range> words = stackalloc Range[6];
        var count = line.Split(words, (byte)' ');
        if (count < (headed ? 4 : 3)
            || !TryNumber(line[words[1]], out var subscription)
            || !TryNumber(line[words[count - 1]], out var total)
            || !TryNumber(headed ? line[words[count - 2]] : "0"u8, out var header)
            || header > total)
        {
            throw new BrokerException("the server sent a message line that cannot be read");
        }

        if (rest.Length < total + EndOfLine.Length)
        {
            return 0;
        }

        frame = new NatsFrame(NatsFrameKind.Message, subscription, rest[header..total]);
        return consumed + total + EndOfLine.Length;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out int number) =>
        Utf8Parser.TryParse(digits, out number, out var read) && read == digits.Length && number >= 0;

    private static int Split(this ReadOnlySpan<byte> line, Span<Range> words, byte separator)
    {
        var count = 0;
        foreach (var word in line.Split(separator))
        {
            if (count == words.Length)
            {
                break;
            }

            words[count++] = word;
        }

        return count;
    }
}

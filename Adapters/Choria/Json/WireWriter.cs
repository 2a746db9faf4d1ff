namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Buffers.Text;
using System.Text;

/// <summary>
/// Writes JSON as Go's encoder does, byte for byte: what Choria makes from the same values, this makes. The buffer is pooled, so
/// that the three nested layers of an envelope cost one allocation.
/// </summary>
internal sealed class WireWriter : IDisposable
{
    private const int InitialBytes = 2048;

    private static readonly SearchValues<char> EscapedCharacters = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\a\b\t\n\v\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019"
        + "\u001a\u001b\u001c\u001d\u001e\u001f\"\\<>&\u2028\u2029");

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(InitialBytes);
    private int length;

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    public byte[] ToArray() => Written.ToArray();

    /// <summary>Writes JSON text as it is.</summary>
    public WireWriter Raw(ReadOnlySpan<byte> json)
    {
        json.CopyTo(Reserve(json.Length));
        length += json.Length;
        return this;
    }

    public WireWriter Number(long value)
    {
        const int digitsMax = 20;
        Utf8Formatter.TryFormat(value, Reserve(digitsMax), out var written);
        length += written;
        return this;
    }

    public WireWriter Base64(ReadOnlySpan<byte> bytes)
    {
        var target = Reserve(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(bytes.Length) + 2);
        target[0] = (byte)'"';
        System.Buffers.Text.Base64.EncodeToUtf8(bytes, target[1..], out _, out var written);
        target[written + 1] = (byte)'"';
        length += written + 2;
        return this;
    }

    public WireWriter Text(ReadOnlySpan<char> text)
    {
        Raw("\""u8);
        while (!text.IsEmpty)
        {
            var run = text.IndexOfAny(EscapedCharacters);
            var plain = run < 0 ? text : text[..run];
            length += Encoding.UTF8.GetBytes(plain, Reserve(Encoding.UTF8.GetMaxByteCount(plain.Length)));
            if (run < 0)
            {
                break;
            }

            Escape(text[run]);
            text = text[(run + 1)..];
        }

        return Raw("\""u8);
    }

    public WireWriter Texts(IReadOnlyList<string> texts)
    {
        Raw("["u8);
        for (var index = 0; index < texts.Count; index++)
        {
            if (index > 0)
            {
                Raw(","u8);
            }

            Text(texts[index]);
        }

        return Raw("]"u8);
    }

    public void Dispose()
    {
        // What was written may hold tokens and keys; another user of the pool must not find them.
        ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        buffer = [];
    }

    private void Escape(char character)
    {
        Raw(character switch
        {
            '"' => "\\\""u8,
            '\\' => "\\\\"u8,
            '\b' => "\\b"u8,
            '\f' => "\\f"u8,
            '\n' => "\\n"u8,
            '\r' => "\\r"u8,
            '\t' => "\\t"u8,
            _ => [],
        });
        if (character is '"' or '\\' or '\b' or '\f' or '\n' or '\r' or '\t')
        {
            return;
        }

        Span<byte> code = stackalloc byte[4];
        Utf8Formatter.TryFormat((uint)character, code, out _, new StandardFormat('x', 4));
        Raw("\\u"u8).Raw(code);
    }

    private Span<byte> Reserve(int count)
    {
        if (buffer.Length - length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, length + count));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
            buffer = larger;
        }

        return buffer.AsSpan(length);
    }
}

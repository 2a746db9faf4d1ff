namespace NATS.NKeys;

/// <summary>RFC 4648 base32 without padding, in upper case: how every nkey is written.</summary>
internal static class Base32
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private const int BitsPerCharacter = 5;

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[((bytes.Length * 8) + BitsPerCharacter - 1) / BitsPerCharacter];
        var buffer = 0;
        var bits = 0;
        var length = 0;
        foreach (var value in bytes)
        {
            buffer = (buffer << 8) | value;
            bits += 8;
            while (bits >= BitsPerCharacter)
            {
                bits -= BitsPerCharacter;
                text[length++] = Alphabet[(buffer >> bits) & 31];
            }

            buffer &= (1 << bits) - 1;
        }

        if (bits > 0)
        {
            text[length] = Alphabet[(buffer << (BitsPerCharacter - bits)) & 31];
        }

        return new string(text);
    }

    /// <summary>Fills <paramref name="bytes"/> exactly; false when the text has another length, another character or stray bits.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != ((bytes.Length * 8) + BitsPerCharacter - 1) / BitsPerCharacter)
        {
            return false;
        }

        var buffer = 0;
        var bits = 0;
        var length = 0;
        foreach (var character in text)
        {
            var value = Alphabet.IndexOf(character, StringComparison.Ordinal);
            if (value < 0)
            {
                return false;
            }

            buffer = (buffer << BitsPerCharacter) | value;
            bits += BitsPerCharacter;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[length++] = (byte)(buffer >> bits);
                buffer &= (1 << bits) - 1;
            }
        }

        // Bits left over must be zero, or two texts would mean one key.
        return buffer == 0;
    }
}

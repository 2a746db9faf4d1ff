namespace ControlPlane.Adapters.Choria;

using System.Buffers.Binary;
using System.Security.Cryptography;

/// <summary>K-sortable ids: 27 characters that begin with the second in which they were made.</summary>
public static class Ksuid
{
    public const int Characters = 27;
    public const int RandomBytes = 16;

    private const int TotalBytes = 20;
    private const int Words = TotalBytes / sizeof(uint);
    private const uint Radix = 62;
    private const long EpochOffsetSeconds = 1_400_000_000;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>A new id; unguessable.</summary>
    public static string New(DateTimeOffset now)
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return From(now.ToUnixTimeSeconds(), random);
    }

    /// <summary>The id of a second and 16 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Before May 2014 or after June 2150.</exception>
    public static string From(long unixSeconds, ReadOnlySpan<byte> random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, RandomBytes, nameof(random));
        var stamp = unixSeconds - EpochOffsetSeconds;
        ArgumentOutOfRangeException.ThrowIfNegative(stamp, nameof(unixSeconds));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stamp, uint.MaxValue, nameof(unixSeconds));

        Span<uint> number = stackalloc uint[Words];
        number[0] = (uint)stamp;
        for (var word = 1; word < Words; word++)
        {
            number[word] = BinaryPrimitives.ReadUInt32BigEndian(random[((word - 1) * sizeof(uint))..]);
        }

        Span<char> text = stackalloc char[Characters];
        for (var index = Characters - 1; index >= 0; index--)
        {
            text[index] = Alphabet[(int)DivideByRadix(number)];
        }

        return new string(text);
    }

    /// <summary>The second in which an id was made; false when it is not one.</summary>
    public static bool TryReadTime(ReadOnlySpan<char> text, out long unixSeconds)
    {
        unixSeconds = 0;
        if (text.Length != Characters)
        {
            return false;
        }

        Span<uint> number = stackalloc uint[Words];
        foreach (var character in text)
        {
            var digit = Alphabet.IndexOf(character, StringComparison.Ordinal);
            if (digit < 0 || !MultiplyByRadixAndAdd(number, (uint)digit))
            {
                return false;
            }
        }

        unixSeconds = number[0] + EpochOffsetSeconds;
        return true;
    }

    private static uint DivideByRadix(Span<uint> number)
    {
        ulong remainder = 0;
        for (var word = 0; word < number.Length; word++)
        {
            var part = (remainder << 32) | number[word];
            number[word] = (uint)(part / Radix);
            remainder = part % Radix;
        }

        return (uint)remainder;
    }

    private static bool MultiplyByRadixAndAdd(Span<uint> number, uint digit)
    {
        ulong carry = digit;
        for (var word = number.Length - 1; word >= 0; word--)
        {
            var part = ((ulong)number[word] * Radix) + carry;
            number[word] = (uint)part;
            carry = part >> 32;
        }

        return carry == 0;
    }
}

using System.Buffers.Binary;

namespace NATS.NKeys;

/// <summary>How a seed is written: two bytes of prefixes (5 bits each say "seed" and what it is for), 32 secret bytes, the CRC.</summary>
internal static class Seed
{
    public const int SecretLength = 32;
    private const int PrefixLength = 2;
    private const int Length = PrefixLength + SecretLength + Crc16.Length;
    private const byte SeedPrefix = 18 << 3;

    public static string Encode(PrefixByte purpose, ReadOnlySpan<byte> secret)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bytes[0] = (byte)(SeedPrefix | ((byte)purpose >> 5));
        bytes[1] = (byte)(((byte)purpose & 31) << 3);
        secret.CopyTo(bytes[PrefixLength..]);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[^Crc16.Length..], Crc16.Of(bytes[..^Crc16.Length]));
        var text = Base32.Encode(bytes);
        bytes.Clear();
        return text;
    }

    public static PrefixByte Decode(ReadOnlySpan<char> text, Span<byte> secret)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (!Base32.TryDecode(text, bytes))
        {
            throw new NKeysException("the seed is not 58 characters of base32");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[^Crc16.Length..]) != Crc16.Of(bytes[..^Crc16.Length]))
        {
            throw new NKeysException("the seed's checksum is wrong");
        }

        var purpose = (PrefixByte)(((bytes[0] & 7) << 5) | (bytes[1] >> 3));
        if ((bytes[0] & 0xF8) != SeedPrefix || (bytes[1] & 7) != 0 || !Enum.IsDefined(purpose))
        {
            throw new NKeysException("the text is not the seed of an account, cluster, server, operator or user");
        }

        bytes.Slice(PrefixLength, SecretLength).CopyTo(secret);
        bytes.Clear();
        return purpose;
    }
}

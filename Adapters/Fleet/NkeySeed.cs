namespace ControlPlane.Adapters.Fleet;

/// <summary>Writes an Ed25519 seed the way the NATS client takes it: as a user's nkey seed.</summary>
/// <remarks>Form (NATS nkeys): base32 without padding of two prefix bytes, the seed, and its CRC-16/XMODEM, low byte first.</remarks>
internal static class NkeySeed
{
    private const int SeedBytes = 32;
    private const int SeedPrefix = 18 << 3;
    private const int UserPrefix = 20 << 3;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static string OfEd25519(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedBytes)
        {
            throw new InvalidOperationException($"an Ed25519 seed has {SeedBytes} bytes, this one {seed.Length}");
        }

        Span<byte> bytes = stackalloc byte[2 + SeedBytes + 2];
        bytes[0] = SeedPrefix | (UserPrefix >> 5);
        bytes[1] = (UserPrefix & 31) << 3;
        seed.CopyTo(bytes[2..]);
        var checksum = Checksum(bytes[..^2]);
        bytes[^2] = (byte)checksum;
        bytes[^1] = (byte)(checksum >> 8);
        return Base32(bytes);
    }

    private static ushort Checksum(ReadOnlySpan<byte> bytes)
    {
        var checksum = 0;
        foreach (var value in bytes)
        {
            checksum ^= value << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                checksum = (checksum & 0x8000) != 0 ? (checksum << 1) ^ 0x1021 : checksum << 1;
            }
        }

        return (ushort)checksum;
    }

    private static string Base32(ReadOnlySpan<byte> bytes)
    {
        var text = new System.Text.StringBuilder();
        var (pending, bits) = (0, 0);
        foreach (var value in bytes)
        {
            pending = (pending << 8) | value;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text.Append(Alphabet[(pending >> bits) & 31]);
            }
        }

        return bits > 0 ? text.Append(Alphabet[(pending << (5 - bits)) & 31]).ToString() : text.ToString();
    }
}

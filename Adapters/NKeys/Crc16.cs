namespace NATS.NKeys;

/// <summary>CRC-16/XMODEM: the last two bytes of every nkey, low byte first.</summary>
internal static class Crc16
{
    public const int Length = 2;
    private const int Polynomial = 0x1021;

    public static ushort Of(ReadOnlySpan<byte> bytes)
    {
        var crc = 0;
        foreach (var value in bytes)
        {
            crc ^= value << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x8000) == 0 ? crc << 1 : (crc << 1) ^ Polynomial;
            }
        }

        return (ushort)crc;
    }
}

namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Diagnostics.CodeAnalysis;

internal static class Hex
{
    public static bool TryDecode(ReadOnlySpan<char> text, int byteCount, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text.Length != byteCount * 2)
        {
            return false;
        }

        var decoded = new byte[byteCount];
        if (Convert.FromHexString(text, decoded, out _, out _) != OperationStatus.Done)
        {
            return false;
        }

        bytes = decoded;
        return true;
    }
}

using System.Security.Cryptography;

namespace ControlPlane.X509;

/// <summary>
/// A <c>blocklist.dat</c> of badkeys: 16 bytes a key, sorted, 15 of a digest and one that says which collection it is from.
/// </summary>
/// <remarks>
/// The digest is SHA-256 of one number of the key, big-endian without leading zeros: the modulus of RSA, the x of a curve's point.
/// Kept as it was read: the whole list has 60 MB, and as a set of digests would have ten times that.
/// </remarks>
public sealed class BadKeysList
{
    private const int EntryBytes = 16;
    private const int DigestBytes = 15;

    // Four times the list of 2026.
    private const long LengthMax = 256 << 20;

    private readonly byte[] entries;

    private BadKeysList(byte[] entries) => this.entries = entries;

    /// <summary>Reads a list, and looks whether it is one.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static BadKeysList Read(string path)
    {
        var length = new FileInfo(path).Length;
        if (length == 0 || length % EntryBytes != 0 || length > LengthMax)
        {
            throw new FormatException($"it has {length} bytes, and badkeys' list has {EntryBytes} for each key, at most {LengthMax}");
        }

        var entries = File.ReadAllBytes(path);
        for (var at = EntryBytes; at < entries.Length; at += EntryBytes)
        {
            if (Digest(entries, at - EntryBytes).SequenceCompareTo(Digest(entries, at)) > 0)
            {
                throw new FormatException($"entry {at / EntryBytes} is less than the one before; badkeys' list is sorted");
            }
        }

        return new BadKeysList(entries);
    }

    public bool Holds(PublicKeyParts key) => key switch
    {
        PublicKeyParts.Rsa rsa => Holds(rsa.Modulus),
        PublicKeyParts.Elliptic point => Holds(point.X.AsSpan().TrimStart((byte)0)),
        _ => false,
    };

    private bool Holds(ReadOnlySpan<byte> number)
    {
        var sought = SHA256.HashData(number).AsSpan(0, DigestBytes);
        var (low, high) = (0, (entries.Length / EntryBytes) - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            switch (sought.SequenceCompareTo(Digest(entries, middle * EntryBytes)))
            {
                case 0:
                    return true;
                case < 0:
                    high = middle - 1;
                    break;
                default:
                    low = middle + 1;
                    break;
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> Digest(byte[] entries, int at) => entries.AsSpan(at, DigestBytes);
}

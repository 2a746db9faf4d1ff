using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Keys that are known to others: leaked ones, and those of generators that could make few only.</summary>
/// <remarks>
/// Debian's OpenSSL of 2006 to 2008 knew 32,767 keys of each size and kind of machine. Its list names a key by the last 80 bits of the
/// SHA-1 of its modulus as OpenSSL prints it (<c>Modulus=C0FFEE…</c> and a line feed).
/// </remarks>
internal sealed class RejectedKeys
{
    private const int Sha256Digits = 64;
    private const int DebianDigits = 20;
    private const string BadKeysEnding = ".dat";

    // A million lines are every size and kind of machine of Debian's list several times over.
    private const int LinesMax = 2_000_000;

    private readonly FrozenSet<string> digests;
    private readonly bool hasModuli;

    private readonly IReadOnlyList<BadKeysList> lists;

    private RejectedKeys(HashSet<string> digests, IReadOnlyList<BadKeysList> lists)
    {
        this.digests = digests.ToFrozenSet(StringComparer.Ordinal);
        this.lists = lists;
        hasModuli = digests.Any(digest => digest.Length == DebianDigits);
    }

    /// <summary>Reads the configured lists.</summary>
    /// <exception cref="FormatException">A file is no such list; the message says which, and where.</exception>
    public static RejectedKeys Read(CertificatesOptions options)
    {
        var digests = new HashSet<string>(options.RejectedKeys, StringComparer.Ordinal);
        var lists = new List<BadKeysList>();
        foreach (var path in options.RejectedKeysFiles)
        {
            try
            {
                if (path.EndsWith(BadKeysEnding, StringComparison.Ordinal))
                {
                    lists.Add(BadKeysList.Read(path));
                }
                else
                {
                    AddLines(digests, path);
                }
            }
            catch (FormatException wrong)
            {
                throw new FormatException($"{path}: {wrong.Message}", wrong);
            }
        }

        return new RejectedKeys(digests, lists);
    }

    public bool Holds(SigningRequest request)
    {
        if (digests.Contains(request.PublicKeyFingerprint))
        {
            return true;
        }

        if (!hasModuli && lists.Count == 0)
        {
            return false;
        }

        var key = PublicKeyReader.Read(request.PublicKeyInfoDer);
        return (key is PublicKeyParts.Rsa rsa && hasModuli && digests.Contains(DebianDigest(rsa.Modulus)))
            || lists.Any(list => list.Holds(key));
    }

    private static void AddLines(HashSet<string> digests, string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var digest = line.Trim().ToLowerInvariant();
            if (digest.Length == 0 || digest[0] == '#')
            {
                continue;
            }

            if (digest.Length is not (Sha256Digits or DebianDigits) || !digest.All(char.IsAsciiHexDigit) || number > LinesMax)
            {
                throw new FormatException(
                    $"line {number} is neither {Sha256Digits} nor {DebianDigits} hexadecimal digits, or beyond {LinesMax} lines");
            }

            digests.Add(digest);
        }
    }

    /// <summary>How Debian's list names an RSA key.</summary>
    public static string DebianDigest(ReadOnlySpan<byte> modulus)
    {
        // SHA-1 is the list's, not ours: nothing rests on its strength.
#pragma warning disable CA5350
        var digest = SHA1.HashData(Encoding.ASCII.GetBytes($"Modulus={Convert.ToHexString(modulus)}\n"));
#pragma warning restore CA5350
        return Convert.ToHexStringLower(digest)[^DebianDigits..];
    }
}

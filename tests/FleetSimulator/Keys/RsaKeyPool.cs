using System.Buffers.Binary;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>
/// Keys made beforehand, because two cores make some 25 a second. Made in parallel, and kept in a file so that the next run finds
/// them. Each is given out once; when they run out new ones are made.
/// </summary>
internal sealed class RsaKeyPool(IReadOnlyList<NodeKey> keys) : IRsaKeySource
{
    /// <summary>The keys that real agents make.</summary>
    public const int Bits = 2048;

    private const int KeyBytesMax = 8192;
    private static readonly RsaKeyMaker Maker = new();
    private int given;

    /// <param name="count">How many keys.</param>
    /// <param name="pair">Whether most of them are paired of the primes of a few, see <see cref="PairedKeys"/>.</param>
    /// <param name="folder">Where what was generated is kept; null keeps it nowhere.</param>
    public static RsaKeyPool Open(int count, bool pair, string? folder) => pair
        ? new RsaKeyPool(PairedKeys.Make(Generated(PairedKeys.SourcesFor(count), folder), count))
        : new RsaKeyPool(Generated(count, folder));

    public NodeKey Next(int bits)
    {
        if (bits != Bits || keys.Count == 0)
        {
            return Maker.Next(bits);
        }

        var position = Interlocked.Increment(ref given) - 1;
        return position < keys.Count ? keys[position] : Maker.Next(bits);
    }

    private static List<NodeKey> Generated(int count, string? folder)
    {
        var path = folder is null ? null : Path.Combine(folder, $"rsa-{Bits}.keys");
        var keys = path is not null && File.Exists(path) ? Read(path, count) : [];
        if (keys.Count < count)
        {
            var made = new NodeKey[count - keys.Count];
            Parallel.For(0, made.Length, index => made[index] = NodeKey.Generate(Bits));
            keys.AddRange(made);
            if (path is not null)
            {
                Write(path, keys);
            }
        }

        return keys;
    }

    private static List<NodeKey> Read(string path, int count)
    {
        var keys = new List<NodeKey>(count);
        using var file = File.OpenRead(path);
        var prefix = new byte[sizeof(int)];
        while (keys.Count < count && file.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false) == prefix.Length)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            if (length is <= 0 or > KeyBytesMax)
            {
                break;
            }

            var key = new byte[length];
            if (file.ReadAtLeast(key, length, throwOnEndOfStream: false) < length)
            {
                break;
            }

            keys.Add(NodeKey.Open(key));
        }

        return keys;
    }

    private static void Write(string path, List<NodeKey> keys)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var unfinished = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(unfinished, options))
        {
            var prefix = new byte[sizeof(int)];
            foreach (var key in keys.Select(key => key.Export()))
            {
                BinaryPrimitives.WriteInt32LittleEndian(prefix, key.Length);
                file.Write(prefix);
                file.Write(key);
            }
        }

        File.Move(unfinished, path, overwrite: true);
    }
}

using System.Security.Cryptography;

namespace ControlPlane.Adapters.Transport;

/// <summary>The secret that silos and clients of one machine share, in a file that is for its owner alone.</summary>
public sealed class LocalSecret
{
    internal const int Bytes = 32;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersWriteOrRead = UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly byte[] bytes;

    private LocalSecret(byte[] bytes) => this.bytes = bytes;

    /// <summary>Never to be logged or sent.</summary>
    public ReadOnlySpan<byte> Value => bytes;

    /// <summary>Reads the file.</summary>
    /// <exception cref="IOException">It cannot be read, holds something else, or others may read it; never with what it holds.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static LocalSecret Read(string file)
    {
        var mode = File.GetUnixFileMode(file);
        if ((mode & OthersWriteOrRead) != 0)
        {
            throw new IOException($"'{file}' can be read or replaced by others on this machine: chmod 0600 it");
        }

        var text = File.ReadAllText(file).Trim();
        return text.Length == 2 * Bytes && text.All(char.IsAsciiHexDigit)
            ? new LocalSecret(Convert.FromHexString(text))
            : throw new IOException($"'{file}' must hold {2 * Bytes} hexadecimal digits: openssl rand -hex {Bytes}");
    }

    /// <summary>Reads the file, and makes it first when it is not there. Of processes that start at once, all get the same.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static LocalSecret ReadOrMake(string file)
    {
        if (!File.Exists(file))
        {
            Make(file);
        }

        return Read(file);
    }

    /// <summary>So that no log can give it away by accident.</summary>
    public override string ToString() => "***";

    // Written whole beside its place, then moved there unless somebody was faster: nobody reads half of it.
    private static void Make(string file)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }

        var fresh = $"{file}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        using (var stream = new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
        }))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(RandomNumberGenerator.GetHexString(2 * Bytes, lowercase: true));
        }

        try
        {
            File.Move(fresh, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(fresh);
        }
    }
}

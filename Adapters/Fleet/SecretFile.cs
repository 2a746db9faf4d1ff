namespace ControlPlane.Adapters.Fleet;

/// <summary>Secrets are configured as paths; this is the one place that reads them. Messages name the file, never what is in it.</summary>
internal static class SecretFile
{
    public static string Read(string path) => File.ReadAllText(path).Trim();

    public static string? ReadOrNull(string? path) => path is null ? null : Read(path);

    /// <summary>What a file holds; null when it is not named, not there or may not be read.</summary>
    public static string? TextOrNull(string? path)
    {
        try
        {
            return string.IsNullOrEmpty(path) || !File.Exists(path) ? null : Read(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>An Ed25519 seed as Choria keeps it: hexadecimal.</summary>
    public static byte[] ReadHex(string path)
    {
        try
        {
            return Convert.FromHexString(Read(path));
        }
        catch (FormatException notHex)
        {
            throw new InvalidOperationException($"the file '{path}' does not hold a seed of hexadecimal digits", notHex);
        }
    }
}

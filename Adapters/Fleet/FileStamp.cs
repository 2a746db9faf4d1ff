namespace ControlPlane.Adapters.Fleet;

/// <summary>By what a file is known to have changed: that of the file at the end of its links, which Kubernetes swaps.</summary>
/// <param name="WrittenAt">When it was written last.</param>
/// <param name="Length">Its length in bytes.</param>
public readonly record struct FileStamp(DateTime WrittenAt, long Length)
{
    /// <summary>The file's as it is now; the default of what is not there or cannot be looked at, which reading tells of.</summary>
    public static FileStamp Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Links in a circle, or no path at all.
            return default;
        }
    }
}

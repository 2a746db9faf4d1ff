namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// By what a file or a folder is known to have changed: that of the one at the end of its links, which Kubernetes swaps.
/// </summary>
/// <param name="WrittenAt">When it was written last.</param>
/// <param name="Length">A file's length in bytes.</param>
public readonly record struct FileStamp(DateTime WrittenAt, long Length)
{
    /// <summary>The file's as it is now; the default of what is not there or cannot be looked at, which reading tells of.</summary>
    public static FileStamp Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            if (Directory.Exists(file.FullName))
            {
                return new FileStamp(Directory.GetLastWriteTimeUtc(file.FullName), 0);
            }

            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Links in a circle, or no path at all.
            return default;
        }
    }
}

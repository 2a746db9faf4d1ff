namespace ControlPlane.Configuration;

/// <summary>What files hold, read again when they changed; while they have faults, the last good ones are in force. Thread-safe.</summary>
/// <remarks>
/// The files are looked at when somebody asks and the last look is old, rather than watched: a watch misses the symbolic links that
/// Kubernetes swaps.
/// </remarks>
/// <param name="paths">The files.</param>
/// <param name="read">Reads them all, and says what is wrong with them.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Hears of each reading: its content, null where faults kept it from being taken over; and the faults.</param>
internal sealed class WatchedFiles<T>(
    IReadOnlyList<string> paths, Func<FilesRead<T>> read, TimeProvider time, Action<FilesRead<T>> tell)
    where T : class
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _looking = new();
    private volatile Snapshot? _current;

    /// <summary>What is in force; null when nothing good was read yet.</summary>
    public T? Current => Look().Content;

    /// <summary>What is wrong with the files as they are now.</summary>
    public IReadOnlyList<string> Faults => Look().Faults;

    private Snapshot Look()
    {
        var now = time.GetTimestamp();
        if (_current is { } fresh && time.GetElapsedTime(fresh.LookedAt, now) < LookInterval)
        {
            return fresh;
        }

        lock (_looking)
        {
            var stamps = paths.Select(Stamp).ToList();
            var last = _current;
            return _current = last is not null && last.Stamps.SequenceEqual(stamps)
                ? last with { LookedAt = now }
                : Read(last, stamps, now);
        }
    }

    private Snapshot Read(Snapshot? last, List<(DateTime, long)> stamps, long now)
    {
        var found = read();
        tell(found);
        return new Snapshot(found.Faults.Count > 0 ? last?.Content : found.Content, found.Faults, stamps, now);
    }

    private static (DateTime, long) Stamp(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Links in a circle, or no path at all: reading says so.
            return default;
        }
    }

    private sealed record Snapshot(T? Content, IReadOnlyList<string> Faults, IReadOnlyList<(DateTime, long)> Stamps, long LookedAt);
}

/// <param name="Content">What they hold.</param>
/// <param name="Faults">What is wrong with them; none when the content may be taken over.</param>
internal sealed record FilesRead<T>(T? Content, IReadOnlyList<string> Faults)
    where T : class;

namespace ControlPlane.Adapters.Fleet;

/// <summary>What files hold, read again when they changed; while they have faults, the last good ones are in force. Thread-safe.</summary>
/// <remarks>
/// The files are looked at when somebody asks and the last look is old, rather than watched: a watch misses the symbolic links that
/// Kubernetes swaps.
/// </remarks>
/// <param name="paths">The files; of a folder, which are in it.</param>
/// <param name="read">Reads them all, and says what is wrong with them.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Hears of each reading: its content, null where faults kept it from being taken over; and the faults.</param>
public sealed class WatchedFiles<T>(
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
            var last = _current;
            var stamps = (last?.Stamps.Keys ?? paths).Distinct().ToDictionary(path => path, FileStamp.Of);
            return _current = last is not null && last.Stamps.All(file => stamps[file.Key] == file.Value)
                ? last with { LookedAt = now }
                : Read(last, stamps, now);
        }
    }

    // The stamps of before reading: what changes meanwhile is read once more.
    private Snapshot Read(Snapshot? last, Dictionary<string, FileStamp> before, long now)
    {
        var found = read();
        tell(found);
        var stamps = paths.Concat(found.Also).Distinct()
            .ToDictionary(path => path, path => before.TryGetValue(path, out var stamp) ? stamp : FileStamp.Of(path));
        return new Snapshot(found.Faults.Count > 0 ? last?.Content : found.Content, found.Faults, stamps, now);
    }

    private sealed record Snapshot(
        T? Content, IReadOnlyList<string> Faults, IReadOnlyDictionary<string, FileStamp> Stamps, long LookedAt);
}

/// <param name="Content">What they hold.</param>
/// <param name="Faults">What is wrong with them; none when the content may be taken over.</param>
public sealed record FilesRead<T>(T? Content, IReadOnlyList<string> Faults)
    where T : class
{
    /// <summary>Files that these name: they are looked at from then on too.</summary>
    public IReadOnlyList<string> Also { get; init; } = [];
}

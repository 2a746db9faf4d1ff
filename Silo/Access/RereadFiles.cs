namespace ControlPlane.Access;

/// <summary>What files say, read again when they change; the last good reading holds while a new one has faults. Thread-safe.</summary>
/// <remarks>
/// The files are looked at again when somebody asks and the last look is old, rather than watched: a watch misses the symbolic links that
/// Kubernetes swaps.
/// </remarks>
/// <param name="paths">The files.</param>
/// <param name="read">Reads them all; what is wrong is in the second part.</param>
/// <param name="kept">Hears of the faults of a reading that was not taken.</param>
internal sealed class RereadFiles<T>(
    IReadOnlyList<string> paths, TimeProvider time, Func<(T Content, IReadOnlyList<string> Faults)> read, Action<string> kept)
    where T : class
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _looking = new();
    private volatile Snapshot? _current;

    public T Current()
    {
        var now = time.GetTimestamp();
        if (_current is { } fresh && time.GetElapsedTime(fresh.LookedAt, now) < LookInterval)
        {
            return fresh.Content;
        }

        lock (_looking)
        {
            var stamps = paths.Select(Stamp).ToList();
            var last = _current;
            var next = last is not null && last.Stamps.SequenceEqual(stamps) ? last with { LookedAt = now } : Read(last, stamps, now);
            _current = next;
            return next.Content;
        }
    }

    private Snapshot Read(Snapshot? last, List<(DateTime, long)> stamps, long now)
    {
        var (content, faults) = read();
        if (faults.Count > 0 && last is not null)
        {
            kept(string.Join("; ", faults));
            return last with { Stamps = stamps, LookedAt = now };
        }

        return new Snapshot(content, stamps, now);
    }

    private static (DateTime, long) Stamp(string path)
    {
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private sealed record Snapshot(T Content, IReadOnlyList<(DateTime, long)> Stamps, long LookedAt);
}

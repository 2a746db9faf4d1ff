using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>The users in force: their files are looked at again when somebody asks and the last look is old. Thread-safe.</summary>
/// <remarks>Not watched: a watch misses the links that Kubernetes swaps. Files that cannot be read leave the last good list.</remarks>
internal sealed partial class UserLists(IOptions<ChoriaSigningOptions> options, TimeProvider time, ILogger<UserLists> logger)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock looking = new();
    private volatile Snapshot? current;

    public UserList Current()
    {
        if (options.Value.UserFiles.Count == 0)
        {
            return UserList.None;
        }

        var now = time.GetTimestamp();
        if (current is { } fresh && time.GetElapsedTime(fresh.LookedAt, now) < LookInterval)
        {
            return fresh.List;
        }

        lock (looking)
        {
            current = current is { } last && last.Files.Select(Stamp).SequenceEqual(last.Stamps) ? last with { LookedAt = now } : Read(now);
            return current.List;
        }
    }

    private Snapshot Read(long now)
    {
        // The stamps of before: what changes while it is read is read once more.
        var before = options.Value.UserFiles.Concat(current?.Files ?? []).Distinct().ToDictionary(file => file, Stamp);
        var list = UserList.Read(options.Value.UserFiles, options.Value.Organization, out var faults);
        if (faults.Count == 0)
        {
            LogRead(list.Users.Count);
        }
        else
        {
            LogKept(string.Join("; ", faults));
        }

        var files = list.Files.Concat(options.Value.UserFiles).Distinct().ToList();
        return new Snapshot(
            faults.Count == 0 ? list : current?.List ?? UserList.None,
            files,
            [.. files.Select(file => before.TryGetValue(file, out var stamp) ? stamp : Stamp(file))],
            now);
    }

    private static (DateTime, long) Stamp(string path)
    {
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private sealed record Snapshot(UserList List, IReadOnlyList<string> Files, IReadOnlyList<(DateTime, long)> Stamps, long LookedAt);

    [LoggerMessage(LogLevel.Information, "Read {Users} users of Choria's command line")]
    private partial void LogRead(int users);

    [LoggerMessage(LogLevel.Error, "The users of Choria's command line changed and cannot be read; the last good ones stay in force: {Faults}")]
    private partial void LogKept(string faults);
}

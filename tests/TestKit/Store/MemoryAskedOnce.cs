using System.Collections.Concurrent;
using ControlPlane.Store;

namespace ControlPlane.TestKit.Store;

/// <summary>Keeps what was asked, for whichever silos share it; forgets nothing.</summary>
public sealed class MemoryAskedOnce : IAskedOnce
{
    private readonly ConcurrentDictionary<string, TimeSpan> asked = new(StringComparer.Ordinal);

    /// <summary>For how long each was to be kept.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Asked => asked;

    public Task<bool> TryRecordAsync(string id, TimeSpan keepFor, CancellationToken cancellationToken) =>
        Task.FromResult(asked.TryAdd(id, keepFor));
}

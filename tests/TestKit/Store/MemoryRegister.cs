using System.Runtime.CompilerServices;
using ControlPlane.Store;

namespace ControlPlane.TestKit.Store;

/// <summary>A register in memory. Thread-safe.</summary>
public sealed class MemoryRegister : IRegister
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Area, string Key), RegisterEntry> entries = [];
    private ulong revision;

    /// <summary>Called before each question; throws what the test wants to happen instead.</summary>
    public Action? BeforeAnswer { get; set; }

    /// <summary>How often something was written.</summary>
    public int Writes
    {
        get
        {
            lock (gate)
            {
                return (int)revision;
            }
        }
    }

    public Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        if (content.Length > StoreLimits.ContentBytesMax || key.Length > StoreLimits.NameBytesMax)
        {
            throw new ArgumentException("too large", nameof(content));
        }

        lock (gate)
        {
            if (expected is { } wanted && wanted != (entries.GetValueOrDefault((area, key))?.Revision ?? 0))
            {
                throw new StoreConflictException($"'{key}' is not at {wanted}");
            }

            entries[(area, key)] = new RegisterEntry(key, content.ToArray(), ++revision);
            return Task.FromResult(revision);
        }
    }

    public Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        lock (gate)
        {
            return Task.FromResult(entries.GetValueOrDefault((area, key)));
        }
    }

    public Task RemoveAsync(string area, string key, CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        lock (gate)
        {
            entries.Remove((area, key));
        }

        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<RegisterEntry> ListAsync(string area, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        BeforeAnswer?.Invoke();
        RegisterEntry[] listed;
        lock (gate)
        {
            listed = [.. entries.Where(entry => entry.Key.Area == area).Select(entry => entry.Value)];
        }

        foreach (var entry in listed)
        {
            yield return entry;
        }
    }
}

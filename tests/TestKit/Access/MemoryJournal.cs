using ControlPlane.Access;
using ControlPlane.Store;

namespace ControlPlane.TestKit.Access;

/// <summary>A journal in memory, which outlives the silos that a test starts over it; with faults on demand.</summary>
public sealed class MemoryJournal : IAuditJournal
{
    private readonly Lock gate = new();
    private readonly List<ChainRecord> records = [];

    /// <summary>Whether the disk is full.</summary>
    public bool IsFull { get; set; }

    public bool IsKept => true;

    public IReadOnlyList<ChainRecord> Read(string chain)
    {
        lock (gate)
        {
            return [.. records];
        }
    }

    public void Append(string chain, IReadOnlyList<ChainRecord> records)
    {
        lock (gate)
        {
            this.records.AddRange(IsFull ? throw new IOException("no space left on device") : records);
        }
    }

    public void Confirm(long through)
    {
    }
}

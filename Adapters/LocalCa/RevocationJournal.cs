using System.Text;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>What was revoked: a file that is only ever appended to, shared by the silos of the folder. Thread-safe.</summary>
internal sealed class RevocationJournal(string folder) : IDisposable
{
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly Dictionary<string, RevokedCertificate> known = new(StringComparer.Ordinal);
    private readonly List<string> pending = [];
    private long readBytes;

    private string JournalPath => Path.Combine(folder, "revoked.log");

    /// <summary>Grows with every entry; two equal values mean that nothing was revoked in between.</summary>
    public int Count { get; private set; }

    /// <summary>Records a revocation; when it returns, the disk has it. A serial number that is there already stays as it is.</summary>
    public async Task AppendAsync(RevokedCertificate revoked, CancellationToken cancellationToken)
    {
        lock (pending)
        {
            pending.Add(revoked.ToLine());
        }

        // Whoever gets in writes what all the others brought, so that many revocations share one flush.
        await writing.WaitAsync(cancellationToken);
        try
        {
            WritePending();
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new IssuerUnavailableException($"{JournalPath} cannot be written: {unwritable.Message}", unwritable);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>All revocations, those of other silos included.</summary>
    public async Task<IReadOnlyList<RevokedCertificate>> ReadAsync(CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            Refresh();
            return [.. known.Values];
        }
        finally
        {
            writing.Release();
        }
    }

    public void Dispose() => writing.Dispose();

    private void WritePending()
    {
        Refresh();
        List<string> lines;
        lock (pending)
        {
            lines = [.. pending.Where(line => !known.ContainsKey(line[..line.IndexOf(' ')]))];
            pending.Clear();
        }

        if (lines.Count == 0)
        {
            return;
        }

        using var file = new FileStream(JournalPath, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });

        // Each write starts its own line: what a crash cut short before it must not swallow it.
        file.Write(Encoding.ASCII.GetBytes($"\n{string.Join('\n', lines)}\n"));
        file.Flush(flushToDisk: true);
        Refresh();
    }

    private void Refresh()
    {
        if (!File.Exists(JournalPath))
        {
            return;
        }

        using var file = new FileStream(JournalPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = readBytes;
        var bytes = new byte[file.Length - readBytes];
        file.ReadExactly(bytes);
        var complete = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        readBytes += complete;
        foreach (var line in Encoding.ASCII.GetString(bytes, 0, complete).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (RevokedCertificate.ParseOrNull(line) is { } revoked)
            {
                known.TryAdd(revoked.Serial, revoked);
            }
        }

        Count = known.Count;
    }
}

using System.Buffers;
using System.Globalization;
using System.Text;
using ControlPlane.Store;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>A journal in files of a folder: lines are appended and synced; a file that is full is followed by the next.</summary>
/// <remarks>
/// A crash leaves at most a line half written, which nobody was told of; it is cut off. Syncing a new file makes its name durable too, on
/// the file systems that Linux servers have.
/// </remarks>
internal sealed partial class FileAuditJournal(IOptions<AuditOptions> options, TimeProvider time, ILogger<FileAuditJournal> logger)
    : IAuditJournal, IDisposable
{
    private const int FileBytesMax = 8 << 20;

    /// <summary>Brokers that do not sync each write have synced after two minutes what they acknowledged; kept a little longer.</summary>
    private static readonly TimeSpan KeptMin = TimeSpan.FromMinutes(5);

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly List<JournalFile> files = [];
    private FileStream? owned;
    private FileStream? current;

    public bool IsKept => true;

    private string Folder => options.Value.Folder!;

    public IReadOnlyList<ChainRecord> Read(string chain)
    {
        Open(chain);
        return [.. files.SelectMany(file => ReadFile(file.Path))];
    }

    public void Append(string chain, IReadOnlyList<ChainRecord> records)
    {
        Open(chain);
        if (files.Sum(file => file.Bytes) > options.Value.FolderBytesMax)
        {
            throw new IOException(
                $"{Folder} is full: {AuditOptions.Section}:{nameof(AuditOptions.FolderBytesMax)} is {options.Value.FolderBytesMax}");
        }

        var length = records.Sum(AuditTopics.BytesOf);
        var lines = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            AuditTopics.WriteLines(records, lines);
            current ??= Begin();
            current.Write(lines, 0, length);
            current.Flush(flushToDisk: true);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            // What lies there now is unknown: the next use reads it again.
            Close();
            throw new IOException(failed.Message, failed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(lines);
        }

        var file = files[^1];
        files[^1] = file with { Bytes = file.Bytes + length, Last = records[^1].Sequence, WrittenAt = time.GetUtcNow() };
        if (current.Length >= FileBytesMax)
        {
            current.Dispose();
            current = null;
        }
    }

    public void Confirm(long through)
    {
        var now = time.GetUtcNow();
        while (files.Count > 1 && files[0].Last <= through && now - files[0].WrittenAt > KeptMin)
        {
            try
            {
                File.Delete(files[0].Path);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // It takes room until the next record is confirmed.
                LogNotRemoved(files[0].Path, refused.Message);
                return;
            }

            files.RemoveAt(0);
        }
    }

    public void Dispose()
    {
        Close();
        owned?.Dispose();
    }

    private void Open(string chain)
    {
        if (files.Count > 0 || current is not null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Own(chain);
            foreach (var path in Directory.GetFiles(Folder, "records-*").Order(StringComparer.Ordinal))
            {
                CutTornLine(path);
                var last = ReadFile(path).LastOrDefault()?.Sequence ?? 0;
                files.Add(new JournalFile(path, new FileInfo(path).Length, last, File.GetLastWriteTimeUtc(path)));
            }
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new IOException(refused.Message, refused);
        }
    }

    // One process has the folder, and one chain: the records of another silo would come into ours.
    private void Own(string chain)
    {
        if (owned is not null)
        {
            return;
        }

        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = Private, BufferSize = 0,
        };
        var file = new FileStream(Path.Combine(Folder, "chain"), options);
        using var reader = new StreamReader(file, leaveOpen: true);
        var name = reader.ReadToEnd().Trim();
        if (name.Length > 0 && name != chain)
        {
            file.Dispose();
            throw new IOException($"{Folder} holds the records of {name}, and this silo is {chain}: give each silo a folder of its own");
        }

        if (name.Length == 0)
        {
            file.Write(Encoding.UTF8.GetBytes(chain));
            file.Flush(flushToDisk: true);
        }

        owned = file;
    }

    private void CutTornLine(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        var length = file.Length;
        for (var end = length; end > 0; end--)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n')
            {
                if (end < length)
                {
                    LogTorn(path, length - end);
                    file.SetLength(end);
                }

                return;
            }
        }

        file.SetLength(0);
    }

    private FileStream Begin()
    {
        // After a restart the last file goes on, so that restarts make no files.
        var path = files is [.., { Bytes: < FileBytesMax } last]
            ? last.Path
            : Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"records-{NextNumber():D10}"));
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = Private, BufferSize = 0,
        });
        if (files.Count == 0 || files[^1].Path != path)
        {
            files.Add(new JournalFile(path, 0, 0, time.GetUtcNow()));
        }

        return file;
    }

    private long NextNumber() =>
        files.Count == 0 ? 1 : long.Parse(files[^1].Path.AsSpan(files[^1].Path.LastIndexOf('-') + 1), CultureInfo.InvariantCulture) + 1;

    private void Close()
    {
        current?.Dispose();
        current = null;
        files.Clear();
    }

    private static IEnumerable<ChainRecord> ReadFile(string path) =>
        File.ReadLines(path).Select(AuditTopics.ReadLineOrNull).OfType<ChainRecord>();

    private sealed record JournalFile(string Path, long Bytes, long Last, DateTimeOffset WrittenAt);

    [LoggerMessage(LogLevel.Warning, "{File} is no longer needed and cannot be removed: {Fault}")]
    private partial void LogNotRemoved(string file, string fault);

    [LoggerMessage(LogLevel.Warning, "Cut {Bytes} bytes of a record off {File} that was not written whole")]
    private partial void LogTorn(string file, long bytes);
}

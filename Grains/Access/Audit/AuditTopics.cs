using System.Text;
using ControlPlane.Store;

namespace ControlPlane.Access;

/// <summary>How chains lie in the log of a site: a topic for each silo's, whose records hold several of a chain's each. Pure.</summary>
/// <remarks>A line is <c>hash body</c>: a body is JSON, in which no line ends.</remarks>
public static class AuditTopics
{
    /// <summary>The site's own chain: what each silo's chain has come to, every minute.</summary>
    public const string Checkpoints = "checkpoints";

    private const string SiloPrefix = "silo/";

    /// <summary>Of a message with several records: brokers may have been told to take less than they do by default.</summary>
    private const int BytesMax = 128 * 1024;

    /// <summary>The topic of a silo's chain.</summary>
    public static string Of(string chain) => SiloPrefix + chain;

    /// <summary>The chain of a topic; null when the topic is none of a silo's.</summary>
    public static string? ChainOrNull(string topic) =>
        topic.StartsWith(SiloPrefix, StringComparison.Ordinal) ? topic[SiloPrefix.Length..] : null;

    /// <summary>Records of the log for those of a chain, each under the hash of its last: appended again, it is stored once.</summary>
    public static IEnumerable<LogRecord> Pack(string topic, IReadOnlyList<ChainRecord> records)
    {
        var (first, bytes) = (0, 0);
        foreach (var (index, record) in records.Index())
        {
            var length = BytesOf(record);
            if (bytes > 0 && bytes + length > BytesMax)
            {
                yield return Part(first, index, bytes);
                (first, bytes) = (index, 0);
            }

            bytes += length;
        }

        if (bytes > 0)
        {
            yield return Part(first, records.Count, bytes);
        }

        LogRecord Part(int from, int to, int length)
        {
            // Lines are parted by their ends: the last has none.
            var content = new byte[length];
            WriteLines(records.Skip(from).Take(to - from), content);
            return new LogRecord(topic, records[to - 1].Hash, content.AsMemory(0, length - 1));
        }
    }

    /// <summary>The lines of a record of the log, as they are.</summary>
    public static IEnumerable<AuditLine> LinesOf(LogItem.Entry entry) =>
        Encoding.UTF8.GetString(entry.Record.Content.Span).Split('\n')
            .Select(line => (Line: line, Gap: line.IndexOf(' ', StringComparison.Ordinal)))
            .Select(one => new AuditLine(
                entry.Position, entry.Record.Topic, one.Line[..Math.Max(0, one.Gap)], one.Line[(one.Gap + 1)..]));

    /// <summary>The chain's records in a record of the log. What cannot be read is left out: the chain shows that it is missing.</summary>
    public static IEnumerable<ChainRecord> Unpack(LogRecord record) =>
        LinesOf(new LogItem.Entry(0, record)).Select(line => HashChain.ReadOrNull(line.Hash, line.Body)).OfType<ChainRecord>();

    /// <summary>How long the line of a record is, with its end.</summary>
    public static int BytesOf(ChainRecord record) => record.Hash.Length + Encoding.UTF8.GetByteCount(record.Body) + 2;

    /// <summary>Writes records of a chain as lines, each with its end, into as many bytes as these have.</summary>
    public static void WriteLines(IEnumerable<ChainRecord> records, Span<byte> into)
    {
        foreach (var record in records)
        {
            into = into[Encoding.UTF8.GetBytes(record.Hash, into)..];
            into[0] = (byte)' ';
            into = into[(1 + Encoding.UTF8.GetBytes(record.Body, into[1..]))..];
            into[0] = (byte)'\n';
            into = into[1..];
        }
    }

    /// <summary>A line of a journal; null when it is none.</summary>
    public static ChainRecord? ReadLineOrNull(string line) =>
        line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var gap ? HashChain.ReadOrNull(line[..gap], line[(gap + 1)..]) : null;
}

/// <summary>A line of an audit log: what exports hold, and what a verification reads.</summary>
/// <param name="Position">Where its record lies in the log.</param>
/// <param name="Topic"><c>silo/</c> and the chain, or <c>checkpoints</c>.</param>
/// <param name="Hash">The SHA-256 of <paramref name="Body"/>.</param>
/// <param name="Body">The record, as it was hashed.</param>
public sealed record AuditLine(ulong Position, string Topic, string Hash, string Body);

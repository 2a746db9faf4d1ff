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
    private const int TextMax = 128 * 1024;

    /// <summary>The topic of a silo's chain.</summary>
    public static string Of(string chain) => SiloPrefix + chain;

    /// <summary>The chain of a topic; null when the topic is none of a silo's.</summary>
    public static string? ChainOrNull(string topic) =>
        topic.StartsWith(SiloPrefix, StringComparison.Ordinal) ? topic[SiloPrefix.Length..] : null;

    /// <summary>Records of the log for those of a chain, each under the hash of its last: appended again, it is stored once.</summary>
    public static IEnumerable<LogRecord> Pack(string topic, IReadOnlyList<ChainRecord> records)
    {
        var text = new StringBuilder();
        foreach (var (index, record) in records.Index())
        {
            text.Append(text.Length > 0 ? "\n" : "").Append(record.Hash).Append(' ').Append(record.Body);
            if (index == records.Count - 1 || text.Length + LengthOf(records[index + 1]) > TextMax)
            {
                yield return new LogRecord(topic, record.Hash, Encoding.UTF8.GetBytes(text.ToString()));
                text.Clear();
            }
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

    /// <summary>A record of a chain as a line of the log, or of a journal.</summary>
    public static string WriteLine(ChainRecord record) => $"{record.Hash} {record.Body}";

    private static int LengthOf(ChainRecord record) => record.Hash.Length + 1 + record.Body.Length;

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

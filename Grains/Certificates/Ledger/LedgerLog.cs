using System.Globalization;
using System.Text;
using ControlPlane.Flow;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Certificates;

/// <summary>The history of the ledgers: the log that it is published to, and what still waits in the outboxes. Thread-safe.</summary>
/// <remarks>
/// A record goes to the log under its hash and behind the one before it, so that publishing it again, after a crash or by two silos at
/// once, stores it once, and in order.
/// </remarks>
internal sealed partial class LedgerLog(
    ICertificateLedger ledger, [FromKeyedServices(Logs.Certificates)] ILog log, TimeProvider time, ILogger<LedgerLog> logger)
{
    private const int BatchMax = 512;
    private const int PageMax = 1_000;

    private readonly RepeatPace told = new(TimeSpan.FromMinutes(10), int.MaxValue, time);

    /// <summary>Publishes what waits in a shard's outbox, in order. Safe to repeat. Nothing is taken out of the outbox.</summary>
    /// <returns>The last record that is in the log.</returns>
    /// <exception cref="LedgerUnavailableException">The ledger does not answer.</exception>
    /// <exception cref="StoreUnavailableException">The log does not; what was published is known by the next try.</exception>
    /// <exception cref="StoreConflictException">Somebody else publishes.</exception>
    public async Task<LedgerHead> PublishAsync(string issuer, int shard, CancellationToken cancellationToken)
    {
        var topic = TopicOf(issuer, shard);
        var last = await log.FindLastAsync(topic, cancellationToken);
        var position = last?.Position ?? 0;
        var published = last is not null && ReadOrNull(last) is { } known ? new LedgerHead(known.Sequence, known.Hash) : LedgerHead.None;
        while (true)
        {
            var waiting = await WaitingAsync(issuer, shard, published, cancellationToken);
            foreach (var record in waiting)
            {
                var content = Encoding.UTF8.GetBytes(record.Body);
                position = await log.AppendAsync(new LogRecord(topic, record.Hash, content), position, cancellationToken);
                published = new LedgerHead(record.Sequence, record.Hash);
            }

            if (waiting.Count < BatchMax - 1)
            {
                return published;
            }
        }
    }

    /// <summary>A part of a shard's history, oldest first, beginning after a sequence. Faults are for <see cref="LedgerChain"/>.</summary>
    /// <exception cref="LedgerUnavailableException">The ledger or the log does not answer.</exception>
    public async Task<(IReadOnlyList<LedgerRecord> Records, LedgerHead Head)> ReadAsync(
        string issuer, int shard, long after, int limit, CancellationToken cancellationToken)
    {
        // The outbox first: read in the other order, a record that is published and trimmed meanwhile would be in neither.
        var (waiting, head) = await ledger.ReadOutboxAsync(issuer, shard, after, limit, cancellationToken);
        if (waiting is [var first, ..] && first.Sequence == after + 1)
        {
            return (waiting, head);
        }

        try
        {
            var records = await ReadLogAsync(TopicOf(issuer, shard), after, limit, cancellationToken);
            var last = records is [.., var newest] ? newest.Sequence : after;
            return ([.. records, .. waiting.Where(record => record.Sequence > last).Take(limit - records.Count)], head);
        }
        catch (StoreUnavailableException away)
        {
            throw new LedgerUnavailableException($"the log of certificates does not answer: {away.Message}", away);
        }
    }

    private async Task<IReadOnlyList<LedgerRecord>> WaitingAsync(
        string issuer, int shard, LedgerHead published, CancellationToken cancellationToken)
    {
        var (records, head) = await ledger.ReadOutboxAsync(
            issuer, shard, Math.Max(0, published.Sequence - 1), BatchMax, cancellationToken);
        if (records is [var same, ..] && same.Sequence == published.Sequence && same.Hash == published.Hash)
        {
            return [.. records.Skip(1)];
        }

        if (head == published || (records is [var next, ..] && LedgerChain.Follows(next, published)))
        {
            return records;
        }

        // One of the two has lost what the other has: brokers came back without their last records, or Redis without its last writes.
        // Nothing that is left gets lost, and the chain shows the place.
        if (published != LedgerHead.None && told.Admits(TopicOf(issuer, shard)))
        {
            LogBroken(issuer, shard, published.Sequence, records is [var first, ..] ? first.Sequence : head.Sequence);
        }

        return await MissingAsync(issuer, shard, cancellationToken);
    }

    private async Task<IReadOnlyList<LedgerRecord>> MissingAsync(string issuer, int shard, CancellationToken cancellationToken)
    {
        var after = 0L;
        while (true)
        {
            var (records, _) = await ledger.ReadOutboxAsync(issuer, shard, after, BatchMax, cancellationToken);
            if (records.Count == 0)
            {
                return [];
            }

            var inLog = await ReadLogAsync(TopicOf(issuer, shard), records[0].Sequence - 1, PageMax, cancellationToken);
            var missing = records.ExceptBy(inLog.Select(record => record.Hash), record => record.Hash).ToList();
            if (missing.Count > 0)
            {
                return missing;
            }

            after = records[^1].Sequence;
        }
    }

    private async Task<IReadOnlyList<LedgerRecord>> ReadLogAsync(string topic, long after, int limit, CancellationToken cancellationToken)
    {
        var records = new List<LedgerRecord>();
        await foreach (var item in log.ReadAsync(topic, await FindAsync(topic, after, cancellationToken), cancellationToken))
        {
            // What cannot be read is missing in the chain, which says so; and so is what the log does not keep any more.
            if (item is LogItem.Entry entry && ReadOrNull(entry) is { } record && record.Sequence > after)
            {
                records.Add(record);
                if (records.Count == limit)
                {
                    break;
                }
            }
        }

        return records;
    }

    // The position of a topic's last record up to a sequence.
    private async Task<ulong> FindAsync(string topic, long through, CancellationToken cancellationToken) => through == 0
        ? 0
        : await log.FindLastAsync(topic, entry => (ReadOrNull(entry)?.Sequence ?? 0) <= through, cancellationToken);

    private static LedgerRecord? ReadOrNull(LogItem.Entry entry) =>
        LedgerChain.ReadOrNull(entry.Record.Id ?? "", Encoding.UTF8.GetString(entry.Record.Content.Span));

    private static string TopicOf(string issuer, int shard) => string.Create(CultureInfo.InvariantCulture, $"{issuer}/{shard}");

    [LoggerMessage(
        LogLevel.Error,
        "The history of shard {Shard} of {Issuer} is broken: its log ends with record {Published}, and the ledger goes on with {Next}")]
    private partial void LogBroken(string issuer, int shard, long published, long next);
}

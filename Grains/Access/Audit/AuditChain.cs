using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Access;

/// <summary>This silo's chain: in the log, and on the machine's disk where there is a journal. For one caller at a time.</summary>
internal sealed partial class AuditChain(
    [FromKeyedServices(Logs.Audit)] ILog log, IAuditJournal journal, AuditSite site, ILogger<AuditChain> logger)
{
    private const int ConflictsMax = 50;

    private readonly string topic = AuditTopics.Of(site.Chain);

    /// <summary>What was written last and is not known to be in the log; what else is not, only the journal knows.</summary>
    private List<ChainRecord> unconfirmed = [];
    private List<ChainRecord> unwritten = [];
    private HashSet<(string, AuditKind)> held = [];
    private ChainHead head = ChainHead.None;
    private ulong position;
    private bool isHeadKnown;
    private volatile bool isInStep;
    private volatile bool isAway;
    private volatile Tuple<ChainHead, DateTimeOffset> confirmed = Tuple.Create(ChainHead.None, DateTimeOffset.MinValue);

    /// <summary>The last record that the log has for certain, and its time; none before the first was written.</summary>
    public (ChainHead Head, DateTimeOffset At) ConfirmedAt => (confirmed.Item1, confirmed.Item2);

    /// <summary>Whether the log did not do it when it was last asked.</summary>
    public bool IsAway => isAway;

    /// <summary>Whether the log is known to have everything.</summary>
    public bool IsConfirmed => isInStep;

    /// <summary>How many records the log lacks, or may lack.</summary>
    public int Unconfirmed => (int)Math.Max(unconfirmed.Count, head.Sequence - confirmed.Item1.Sequence);

    /// <summary>Whether a record has a place, so that it comes into the log by itself, or is there.</summary>
    public bool Holds(AuditRecord record) => held.Contains((record.Id, record.Kind));

    /// <summary>Has the log asked again.</summary>
    public void Retry() => isAway = false;

    /// <summary>Appends records to the log and to the journal. When it returns, both have them.</summary>
    /// <exception cref="AuditKeptByJournalException">The journal has them, the log has not; it is given them later.</exception>
    /// <exception cref="StoreUnavailableException">The log has them not, or nobody knows, and there is no journal.</exception>
    /// <exception cref="IOException">The journal has them not; the log may.</exception>
    public async Task AppendAsync(IReadOnlyList<AuditRecord> records)
    {
        if (!isInStep && await CatchUpAsync() is { } away)
        {
            AppendToJournal(records, away);
            return;
        }

        if (records.Count == 0)
        {
            return;
        }

        // Both at once: a call waits for the slower one, not for one after the other.
        unconfirmed = Place(records, head);
        held = [.. records.Select(record => (record.Id, record.Kind))];
        isInStep = false;
        var appended = AppendToLogAsync(unconfirmed);
        var written = WriteJournal();
        head = unconfirmed[^1].Head;
        var missed = await appended;
        if (written is not null)
        {
            throw new IOException($"the journal of records is not written: {written.Message}", written);
        }

        if (missed is StoreConflictException)
        {
            missed = await CatchUpAsync();
        }

        if (missed is not null)
        {
            throw Missed(missed);
        }

        Confirm(records[^1].At);
    }

    private void AppendToJournal(IReadOnlyList<AuditRecord> records, Exception away)
    {
        if (!journal.IsKept || !isHeadKnown)
        {
            throw away;
        }

        if (records.Count > 0)
        {
            var placed = Place(records, head);
            journal.Append(site.Chain, [.. unwritten, .. placed]);
            (head, unconfirmed, unwritten) = (placed[^1].Head, placed, []);
            held = [.. records.Select(record => (record.Id, record.Kind))];
        }

        throw Missed(away);
    }

    /// <summary>Gives the log what it lacks, and learns where it ends.</summary>
    /// <returns>Why it was not done; null when it was.</returns>
    private async Task<Exception?> CatchUpAsync()
    {
        var kept = isAway && isHeadKnown ? [] : Kept();
        if (isAway)
        {
            return new StoreUnavailableException("the log of calls does not answer");
        }

        Exception? fault = null;
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            try
            {
                await GiveAsync(kept);
                return null;
            }
            catch (StoreConflictException other)
            {
                fault = other;
            }
            catch (StoreUnavailableException away)
            {
                isAway = true;
                return away;
            }
        }

        return fault;
    }

    // What may be missing in the log: what the journal keeps, and what was on its way to both.
    private List<ChainRecord> Kept()
    {
        var kept = journal.Read(site.Chain).ToList();
        kept.AddRange(unconfirmed.ExceptBy(kept.Select(record => record.Hash), record => record.Hash));
        if (!isHeadKnown && kept.Count > 0)
        {
            (head, isHeadKnown) = (kept[^1].Head, true);
        }

        return kept;
    }

    private async Task GiveAsync(List<ChainRecord> kept)
    {
        var last = await log.FindLastAsync(topic, CancellationToken.None);
        position = last?.Position ?? 0;
        var newest = last is null ? null : AuditTopics.Unpack(last.Record).LastOrDefault();
        var end = newest?.Head ?? ChainHead.None;
        var missing = kept.Count == 0 ? [] : await MissingAsync(kept);
        if (missing is [var first, ..] && first.Sequence <= end.Sequence)
        {
            // Somebody else went on with our chain: ours get their place after his.
            LogPlacedAnew(missing.Count, site.Chain, end.Sequence);
            missing = Place([.. missing.Select(record => AuditRecord.ReadOrNull(record.Body)).OfType<AuditRecord>()], end);
        }
        else if (missing is [] && end.Sequence < head.Sequence)
        {
            // The log lost its end, and nothing is left of it here. The chain goes on behind it, so that the gap shows.
            LogLost(site.Chain, end.Sequence, head.Sequence);
            end = head;
        }

        await AppendPartsAsync(missing);
        newest = missing.LastOrDefault() ?? newest;
        (head, isHeadKnown) = (missing is [.., var given] ? given.Head : end, true);
        Confirm(newest is null ? DateTimeOffset.MinValue : AuditRecord.ReadOrNull(newest.Body)?.At ?? DateTimeOffset.MinValue);
    }

    // By what they tell of and not by their hashes: some may have got another place. Older ones than the log holds are not missing: it
    // does not keep them any more.
    private async Task<List<ChainRecord>> MissingAsync(List<ChainRecord> kept)
    {
        var after = await log.FindLastAsync(
            topic, entry => AuditTopics.Unpack(entry.Record).LastOrDefault()?.Sequence < kept[0].Sequence, CancellationToken.None);
        var there = new HashSet<(string?, AuditKind?)>();
        await foreach (var item in log.ReadAsync(topic, after, CancellationToken.None))
        {
            there.UnionWith(item is LogItem.Entry entry ? AuditTopics.Unpack(entry.Record).Select(NameOf) : []);
        }

        var oldest = await log.ReadAsync(topic, 0, CancellationToken.None).OfType<LogItem.Entry>().FirstOrDefaultAsync();
        var begin = oldest is null ? 0 : AuditTopics.Unpack(oldest.Record).FirstOrDefault()?.Sequence ?? 0;
        return [.. kept.Where(record => record.Sequence >= begin && !there.Contains(NameOf(record)))];
    }

    private async Task AppendPartsAsync(IReadOnlyList<ChainRecord> records)
    {
        foreach (var part in AuditTopics.Pack(topic, records))
        {
            position = await log.AppendAsync(part, position, CancellationToken.None);
        }
    }

    private async Task<Exception?> AppendToLogAsync(IReadOnlyList<ChainRecord> records)
    {
        try
        {
            await AppendPartsAsync(records);
            return null;
        }
        catch (StoreConflictException other)
        {
            return other;
        }
        catch (StoreUnavailableException away)
        {
            isAway = true;
            return away;
        }
    }

    private IOException? WriteJournal()
    {
        try
        {
            journal.Append(site.Chain, unconfirmed);
            return null;
        }
        catch (IOException failed)
        {
            unwritten = unconfirmed;
            return failed;
        }
    }

    private List<ChainRecord> Place(IReadOnlyList<AuditRecord> records, ChainHead after)
    {
        var placed = new List<ChainRecord>(records.Count);
        foreach (var record in records)
        {
            placed.Add(record.After(after, site.Chain));
            after = placed[^1].Head;
        }

        return placed;
    }

    private void Confirm(DateTimeOffset at)
    {
        (confirmed, unconfirmed, unwritten, held, isInStep) = (Tuple.Create(head, at), [], [], [], true);
        journal.Confirm(head.Sequence);
    }

    private Exception Missed(Exception away) => journal.IsKept ? new AuditKeptByJournalException(away.Message, away) : away;

    private static (string?, AuditKind?) NameOf(ChainRecord record) =>
        AuditRecord.ReadOrNull(record.Body) is { } read ? (read.Id, read.Kind) : (record.Hash, null);

    [LoggerMessage(LogLevel.Warning, "{Count} records get another place in the chain of {Chain}: somebody else wrote up to {Sequence}")]
    private partial void LogPlacedAnew(int count, string chain, long sequence);

    [LoggerMessage(LogLevel.Error, "The log lost records of the chain of {Chain}: it ends with {Sequence}, and the last was {Known}")]
    private partial void LogLost(string chain, long sequence, long known);
}

/// <summary>The journal has the records, and the log is to be given them later.</summary>
internal sealed class AuditKeptByJournalException(string message, Exception inner) : Exception(message, inner);

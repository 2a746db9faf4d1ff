using System.Globalization;
using System.Runtime.CompilerServices;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Access;

/// <summary>Reads the site's audit log. Thread-safe.</summary>
public sealed class AuditReader([FromKeyedServices(Logs.Audit)] ILog log)
{
    /// <summary>How many records of the log one page looks through at most: a filter that finds little gives short pages.</summary>
    private const ulong LookedThroughMax = 4_096;

    private const ulong WindowMax = 256;
    private const int TimeDigits = 12;

    /// <summary>How far the clocks of silos may differ: records lie about in the order of their times.</summary>
    private static readonly TimeSpan ClocksMax = TimeSpan.FromMinutes(5);

    /// <summary>All lines after a position, oldest first, to the end as it is now.</summary>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    public async IAsyncEnumerable<AuditLine> ReadAsync(ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var held = await log.GetPositionsAsync(cancellationToken);
        await foreach (var entry in ReadAsync(Math.Max(after, held.First - 1), held.Last, cancellationToken))
        {
            foreach (var line in AuditTopics.LinesOf(entry))
            {
                yield return line;
            }
        }
    }

    /// <summary>A page of records that a query wants.</summary>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    public async Task<AuditPage> ListAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        var held = await log.GetPositionsAsync(cancellationToken);
        return query.OldestFirst
            ? await ListForwardAsync(query, held, cancellationToken)
            : await ListBackwardAsync(query, held, cancellationToken);
    }

    /// <summary>The records of one call, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    public async Task<IReadOnlyList<AuditRecord>> FindAsync(string id, CancellationToken cancellationToken)
    {
        // Ids begin with their time.
        if (id.Length < TimeDigits
            || !long.TryParse(id.AsSpan(0, TimeDigits), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var time)
            || time > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            return [];
        }

        var held = await log.GetPositionsAsync(cancellationToken);
        var begin = await PositionBeforeAsync(DateTimeOffset.FromUnixTimeMilliseconds(time), held, cancellationToken);
        var found = new List<AuditRecord>();
        await foreach (var entry in ReadAsync(begin, held.Last, cancellationToken))
        {
            found.AddRange(RecordsOf(entry).Select(one => one.Record).Where(record => record.Id == id));
            if (found.Exists(record => record.Kind != AuditKind.Call))
            {
                break;
            }
        }

        return found;
    }

    private async Task<AuditPage> ListForwardAsync(AuditQuery query, LogPositions held, CancellationToken cancellationToken)
    {
        var from = query.Cursor ?? (query.Since is { } since
            ? new AuditCursor(await PositionBeforeAsync(since, held, cancellationToken), int.MaxValue)
            : new AuditCursor(held.First - 1, int.MaxValue));
        var found = new List<AuditRecord>();
        var through = Math.Min(held.Last, from.Position + LookedThroughMax);
        await foreach (var entry in ReadAsync(from.Position - Math.Min(1, from.Position), through, cancellationToken))
        {
            foreach (var (record, index) in RecordsOf(entry))
            {
                var at = new AuditCursor(entry.Position, index);
                if (at.CompareTo(from) <= 0 || !query.Wants(record))
                {
                    continue;
                }

                found.Add(record);
                if (found.Count == query.Limit)
                {
                    return new AuditPage(found, at, IsEnd: false, EndOf(held));
                }
            }
        }

        // From the end on too: who follows goes on there.
        return new AuditPage(found, new AuditCursor(Math.Max(through, from.Position), int.MaxValue), through >= held.Last, EndOf(held));
    }

    private async Task<AuditPage> ListBackwardAsync(AuditQuery query, LogPositions held, CancellationToken cancellationToken)
    {
        var end = query.Cursor ?? EndOf(held);
        if (query is { Cursor: null, Until: { } until })
        {
            var before = await PositionBeforeAsync(Shift(until, 2 * ClocksMax), held, cancellationToken);
            end = end with { Position = Math.Min(held.Last, before + 1) };
        }

        var (found, high, floor) = (new List<AuditRecord>(), end.Position, held.First - 1);
        var low = high;
        while (high > floor && end.Position - high < LookedThroughMax)
        {
            low = high - Math.Min(WindowMax, high - floor);
            var window = new List<(AuditRecord Record, AuditCursor At)>();
            await foreach (var entry in ReadAsync(low, high, cancellationToken))
            {
                window.AddRange(RecordsOf(entry).Select(one => (one.Record, new AuditCursor(entry.Position, one.Index))));
            }

            window.Reverse();
            foreach (var (record, at) in window.Where(one => one.At.CompareTo(end) < 0 && query.Wants(one.Record)))
            {
                found.Add(record);
                if (found.Count == query.Limit)
                {
                    return new AuditPage(found, at, IsEnd: false, EndOf(held));
                }
            }

            high = low;
            if (query.Since is { } since && window.Count > 0 && window[^1].Record.At < Shift(since, -ClocksMax))
            {
                return new AuditPage(found, null, IsEnd: true, EndOf(held));
            }
        }

        return new AuditPage(found, high > floor ? new AuditCursor(high, int.MaxValue) : null, high <= floor, EndOf(held));
    }

    private static AuditCursor EndOf(LogPositions held) => new(held.Last, int.MaxValue);

    // The position of the last record of the log that is certainly older; those before it are too.
    private Task<ulong> PositionBeforeAsync(DateTimeOffset time, LogPositions held, CancellationToken cancellationToken)
    {
        var edge = Shift(time, -ClocksMax);
        return LogSearch.FindLastAsync(
            held,
            after => ReadAsync(after, held.Last, cancellationToken),
            entry => TimeOf(entry) is { } at && at < edge,
            cancellationToken);
    }

    private static DateTimeOffset Shift(DateTimeOffset time, TimeSpan by) =>
        new(Math.Clamp(time.UtcTicks + by.Ticks, DateTimeOffset.MinValue.Ticks, DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero);

    private static DateTimeOffset? TimeOf(LogItem.Entry entry) => AuditTopics.Unpack(entry.Record)
        .Select(record => AuditRecord.ReadOrNull(record.Body)?.At ?? AuditCheckpoint.ReadOrNull(record.Body)?.At).FirstOrDefault();

    private static IEnumerable<(AuditRecord Record, int Index)> RecordsOf(LogItem.Entry entry) =>
        AuditTopics.ChainOrNull(entry.Record.Topic) is null
            ? []
            : AuditTopics.Unpack(entry.Record).Index().Select(one => (Record: AuditRecord.ReadOrNull(one.Item.Body), one.Index))
                .Where(one => one.Record is not null).Select(one => (one.Record!, one.Index));

    private async IAsyncEnumerable<LogItem.Entry> ReadAsync(
        ulong after, ulong through, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (after >= through)
        {
            yield break;
        }

        await foreach (var item in log.FollowAsync(after, cancellationToken))
        {
            if (item is LogItem.Entry entry && entry.Position <= through)
            {
                yield return entry;
            }

            if ((item is LogItem.Entry read ? read.Position : ((LogItem.Gap)item).Next - 1) >= through)
            {
                yield break;
            }
        }
    }
}

/// <summary>Which records are wanted. What is null is not asked for.</summary>
public sealed record AuditQuery
{
    /// <summary>The principal's name.</summary>
    public string? Who { get; init; }

    public string? Permission { get; init; }

    public string? Node { get; init; }

    public string? Overlay { get; init; }

    /// <summary>What the outcome begins with, e.g. <c>5</c> for statuses from 500 on.</summary>
    public string? Outcome { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>Denied calls and failed sign-ins, and how many of them were left out; nothing else.</summary>
    public bool DeniedOnly { get; init; }

    public bool OldestFirst { get; init; }

    /// <summary>Where the page before ended.</summary>
    public AuditCursor? Cursor { get; init; }

    public int Limit { get; init; } = 100;

    internal bool Wants(AuditRecord record) =>
        IsOrNull(Who, record.Who?.Principal)
        && IsOrNull(Permission, record.Permission)
        && IsOrNull(Node, record.On?.Node)
        && IsOrNull(Overlay, record.On?.Overlay)
        && (Outcome is null || record.Outcome?.StartsWith(Outcome, StringComparison.OrdinalIgnoreCase) == true)
        && (Since is null || record.At >= Since)
        && (Until is null || record.At < Until)
        && (!DeniedOnly || record.Kind is AuditKind.Denied or AuditKind.SignInFailed or AuditKind.Omitted);

    private static bool IsOrNull(string? wanted, string? value) =>
        wanted is null || string.Equals(wanted, value, StringComparison.OrdinalIgnoreCase);
}

/// <param name="Records">The page.</param>
/// <param name="Next">Where the next one begins; null when there is none.</param>
/// <param name="IsEnd">Whether there is nothing after it yet. A page may hold less than was asked for and not be the last.</param>
/// <param name="End">Where the log ended: reading oldest first goes on there with what comes.</param>
public sealed record AuditPage(IReadOnlyList<AuditRecord> Records, AuditCursor? Next, bool IsEnd, AuditCursor End);

/// <summary>A place in the log: a record of it, and one of those that it holds.</summary>
public readonly record struct AuditCursor(ulong Position, int Index) : IComparable<AuditCursor>
{
    public int CompareTo(AuditCursor other) => (Position, Index).CompareTo((other.Position, other.Index));

    public static bool operator <(AuditCursor left, AuditCursor right) => left.CompareTo(right) < 0;

    public static bool operator >(AuditCursor left, AuditCursor right) => left.CompareTo(right) > 0;

    public static bool operator <=(AuditCursor left, AuditCursor right) => left.CompareTo(right) <= 0;

    public static bool operator >=(AuditCursor left, AuditCursor right) => left.CompareTo(right) >= 0;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Position}.{Index}");

    /// <summary>A cursor as it was written; null when the text is none.</summary>
    public static AuditCursor? ReadOrNull(string text) =>
        text.Split('.') is [var position, var index]
        && ulong.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
        && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? new AuditCursor(at, place)
            : null;
}

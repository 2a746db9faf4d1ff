using System.Runtime.CompilerServices;
using ControlPlane.Store;

namespace ControlPlane.TestKit.Store;

/// <summary>A log in memory, with faults on demand. Thread-safe.</summary>
public sealed class MemoryLog : ILog
{
    private readonly Lock gate = new();
    private readonly List<LogRecord> records = [];
    private readonly Dictionary<string, ulong> positions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong> lasts = new(StringComparer.Ordinal);
    private TaskCompletionSource appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Called before each question; throws what the test wants to happen instead.</summary>
    public Action? BeforeAnswer { get; set; }

    /// <summary>Called after each append; throwing makes it one whose answer was lost.</summary>
    public Action<LogRecord>? AfterAppend { get; set; }

    /// <summary>What was appended, oldest first.</summary>
    public IReadOnlyList<LogRecord> Records
    {
        get
        {
            lock (gate)
            {
                return [.. records];
            }
        }
    }

    public Task<ulong> AppendAsync(LogRecord record, ulong? expected, CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        if (record.Content.Length > StoreLimits.ContentBytesMax || record.Topic.Length > StoreLimits.NameBytesMax)
        {
            throw new ArgumentException("too large", nameof(record));
        }

        ulong position;
        lock (gate)
        {
            if (record.Id is not null && positions.TryGetValue(record.Id, out var known))
            {
                return Task.FromResult(known);
            }

            if (expected is { } wanted && wanted != lasts.GetValueOrDefault(record.Topic))
            {
                throw new StoreConflictException($"the topic does not end at {wanted}");
            }

            records.Add(record with { Content = record.Content.ToArray() });
            position = lasts[record.Topic] = (ulong)records.Count;
            if (record.Id is not null)
            {
                positions[record.Id] = position;
            }

            appended.TrySetResult();
            appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        AfterAppend?.Invoke(record);
        return Task.FromResult(position);
    }

    public Task<LogItem.Entry?> FindLastAsync(string topic, CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        lock (gate)
        {
            return Task.FromResult(lasts.TryGetValue(topic, out var last) ? new LogItem.Entry(last, records[(int)last - 1]) : null);
        }
    }

    public async IAsyncEnumerable<LogItem> ReadAsync(
        string topic, ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        BeforeAnswer?.Invoke();
        for (; ; after++)
        {
            LogRecord record;
            lock (gate)
            {
                if (after >= (ulong)records.Count)
                {
                    yield break;
                }

                record = records[(int)after];
            }

            if (record.Topic == topic)
            {
                yield return new LogItem.Entry(after + 1, record);
            }
        }
    }

    public async IAsyncEnumerable<LogItem> FollowAsync(ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            BeforeAnswer?.Invoke();
            Task more;
            LogRecord? next;
            lock (gate)
            {
                more = appended.Task;
                next = after < (ulong)records.Count ? records[(int)after] : null;
            }

            if (next is null)
            {
                await more.WaitAsync(cancellationToken);
                continue;
            }

            yield return new LogItem.Entry(++after, next);
        }
    }

    /// <summary>Changes what is stored at a position, as an intruder does.</summary>
    public void Change(ulong position, Func<LogRecord, LogRecord> change)
    {
        lock (gate)
        {
            records[(int)position - 1] = change(records[(int)position - 1]);
        }
    }

    /// <summary>Forgets the newest records, as a broker does that comes back without its last writes.</summary>
    public void LoseEnd(int count)
    {
        lock (gate)
        {
            records.RemoveRange(records.Count - count, count);
            positions.Clear();
            lasts.Clear();
            foreach (var (index, record) in records.Index())
            {
                lasts[record.Topic] = (ulong)index + 1;
            }
        }
    }

    public Task<LogPositions> GetPositionsAsync(CancellationToken cancellationToken)
    {
        BeforeAnswer?.Invoke();
        return Task.FromResult(new LogPositions(1, (ulong)Records.Count));
    }
}

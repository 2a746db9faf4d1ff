using System.Text.Json;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Jobs;

/// <summary>What came of a job at its targets in one overlay, as records of the overlay's log: each holds what came at one time.</summary>
internal sealed class JobResultLog([FromKeyedServices(Logs.Jobs)] ILog log)
{
    /// <summary>A reply with more data is kept without it.</summary>
    private const int DataCharactersMax = 256 * 1024;

    /// <summary>A record has room for so much; letters of other alphabets take more bytes than one.</summary>
    private const int RecordCharactersMax = 300 * 1024;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Appends results, in as many records as they need. A batch that is appended again under its name is stored once.</summary>
    /// <returns>The position of the last record.</returns>
    /// <exception cref="StoreUnavailableException">They are not all stored, or nobody knows.</exception>
    public async Task<ulong> AppendAsync(string topic, string batch, IReadOnlyList<JobResult> results, CancellationToken cancellationToken)
    {
        var (position, part, begin) = (0UL, 0, 0);
        while (begin < results.Count)
        {
            var (count, characters) = (0, 0);
            while (begin + count < results.Count && (count == 0 || characters < RecordCharactersMax))
            {
                characters += LengthOf(results[begin + count++]);
            }

            var record = JsonSerializer.SerializeToUtf8Bytes(results.Skip(begin).Take(count).Select(Bounded), Json);
            position = await log.AppendAsync(new LogRecord(topic, $"{topic}/{batch}/{part++}", record), expected: null, cancellationToken);
            begin += count;
        }

        return position;
    }

    /// <summary>The records after a position, oldest first.</summary>
    public async IAsyncEnumerable<(ulong Position, IReadOnlyList<JobResult> Results)> ReadAsync(
        string topic, ulong after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in log.ReadAsync(topic, after, cancellationToken).OfType<LogItem.Entry>())
        {
            yield return (entry.Position, JsonSerializer.Deserialize<JobResult[]>(entry.Record.Content.Span, Json) ?? []);
        }
    }

    private static int LengthOf(JobResult result) =>
        Math.Min(result.DataJson?.Length ?? 0, DataCharactersMax) + result.Message.Length + result.Identity.Length + 128;

    private static JobResult Bounded(JobResult result) => result.DataJson is { Length: > DataCharactersMax } data
        ? result with { DataJson = null, Message = $"{result.Message} (its data of {data.Length} characters is too large to keep)" }
        : result;
}

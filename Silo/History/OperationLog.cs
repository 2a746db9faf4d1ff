using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace ControlPlane.History;

/// <summary>How an operation stands. One that was invoked and never ended is as unknown as one whose caller ran out of time.</summary>
internal enum OperationPhase
{
    Invoked,
    Ok,
    Failed,
    Unknown,
}

/// <summary>One line of a history.</summary>
/// <param name="At">When, by this silo's clock.</param>
/// <param name="By">The process that writes.</param>
/// <param name="Id">Joins the line of the call with that of its end; unique within the process.</param>
/// <param name="Phase">Whether it begins or how it ended.</param>
/// <param name="Name">The interface and the method.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="Facts">What was asked for, or what came of it.</param>
internal sealed record OperationLine(
    DateTimeOffset At, int By, long Id, OperationPhase Phase, string Name, string Key, IReadOnlyDictionary<string, string> Facts);

/// <summary>Appends operations to the history's file, in the order in which they happened. Thread-safe.</summary>
/// <remarks>
/// Written behind the operation: a silo that is killed leaves the last few out. The checker takes what is missing for unknown, and never
/// concludes from a line that is not there that something did not happen.
/// </remarks>
internal sealed class OperationLog(IOptions<HistoryOptions> options) : BackgroundService
{
    /// <summary>Lines that wait to be written; whoever brings one more waits.</summary>
    private const int LinesMax = 10_000;

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly Channel<OperationLine> lines = Channel.CreateBounded<OperationLine>(LinesMax);
    private long last;

    public long NextId() => Interlocked.Increment(ref last);

    public ValueTask WriteAsync(OperationLine line) => lines.Writer.WriteAsync(line);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var file = new StreamWriter(options.Value.File!, append: true);
        try
        {
            while (await lines.Reader.WaitToReadAsync(stoppingToken))
            {
                await FlushAsync(file);
            }
        }
        catch (OperationCanceledException)
        {
            await FlushAsync(file);
        }
    }

    private async Task FlushAsync(StreamWriter file)
    {
        while (lines.Reader.TryRead(out var line))
        {
            await file.WriteLineAsync(JsonSerializer.Serialize(line, Json));
        }

        await file.FlushAsync(CancellationToken.None);
    }
}

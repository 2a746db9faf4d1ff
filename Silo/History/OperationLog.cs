using System.Text.Json;
using System.Text.Json.Serialization;
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
/// A line is with the operating system before the call that it tells of goes on: a silo that is killed leaves no line out, and the checker
/// may conclude from a line that is not there that the call never ended.
/// </remarks>
internal sealed class OperationLog(IOptions<HistoryOptions> options) : IDisposable
{
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly StreamWriter file = new(options.Value.File!, append: true) { AutoFlush = true };
    private readonly Lock turn = new();
    private long last;

    public long NextId() => Interlocked.Increment(ref last);

    public void Write(OperationLine line)
    {
        var text = JsonSerializer.Serialize(line, Json);
        lock (turn)
        {
            file.WriteLine(text);
        }
    }

    public void Dispose() => file.Dispose();
}

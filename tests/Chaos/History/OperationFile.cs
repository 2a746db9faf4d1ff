using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Chaos;

/// <summary>The history of one silo: operations in the order in which they happened, as JSON lines. Thread-safe.</summary>
/// <remarks>
/// A line is with the operating system before the call that it tells of goes on: a silo that is killed leaves no line out, and the checker
/// may conclude from a line that is not there that the call never ended.
/// </remarks>
internal sealed class OperationFile(string path) : IDisposable
{
    private const string Suffix = ".history.jsonl";

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly StreamWriter file = new(path, append: true) { AutoFlush = true };
    private readonly Lock turn = new();

    /// <summary>Where the silo of a configuration file writes: beside it.</summary>
    public static string PathOf(string configuration) => Path.ChangeExtension(configuration, Suffix);

    /// <summary>The files of all silos whose configurations are in a folder.</summary>
    public static IReadOnlyList<string> In(string folder) => Directory.GetFiles(folder, $"*{Suffix}");

    /// <summary>The operations of files, in order of time.</summary>
    /// <remarks>The last line of a silo that was killed may be cut short; it is left out.</remarks>
    public static IReadOnlyList<Operation> Read(IEnumerable<string> files) =>
        [.. files.SelectMany(File.ReadLines).Select(ReadOrNull).OfType<Operation>().OrderBy(operation => operation.At)];

    public void Write(Operation operation)
    {
        var text = JsonSerializer.Serialize(operation, Json);
        lock (turn)
        {
            file.WriteLine(text);
        }
    }

    public void Dispose() => file.Dispose();

    private static Operation? ReadOrNull(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Operation>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

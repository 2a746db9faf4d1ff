using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Chaos;

/// <summary>Reads the histories that silos wrote.</summary>
internal static class OperationFiles
{
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    /// <summary>The operations of all files, in order of time.</summary>
    /// <remarks>The last line of a silo that was killed may be cut short; it is left out.</remarks>
    public static IReadOnlyList<Operation> Read(IEnumerable<string> files) =>
        [.. files.SelectMany(File.ReadLines).Select(ReadOrNull).OfType<Operation>().OrderBy(operation => operation.At)];

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

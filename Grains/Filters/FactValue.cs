using System.Globalization;
using System.Text.Json;

namespace ControlPlane.Filters;

/// <summary>The kinds of values that facts are compared by; null, objects and arrays match nothing.</summary>
internal enum FactKind : byte
{
    Text = 0,
    Number = 1,
    True = 2,
    False = 3,
}

/// <summary>One leaf of a node's facts.</summary>
/// <param name="Kind">How it is compared.</param>
/// <param name="Text">The text; empty for other kinds.</param>
/// <param name="Number">The number; zero for other kinds.</param>
internal readonly record struct FactValue(FactKind Kind, string Text, double Number)
{
    public static FactValue? OfOrNull(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new FactValue(FactKind.Text, element.GetString()!, 0),
        JsonValueKind.Number when element.TryGetDouble(out var number) => new FactValue(FactKind.Number, "", number),
        JsonValueKind.True => new FactValue(FactKind.True, "", 0),
        JsonValueKind.False => new FactValue(FactKind.False, "", 0),
        _ => null,
    };

    /// <summary>The value in JSON's notation, for counts: the text "1" and the number 1 are two values.</summary>
    public string ToJson() => Kind switch
    {
        FactKind.Text => JsonSerializer.Serialize(Text, FactJson.Default.String),
        FactKind.Number => Number.ToString("R", CultureInfo.InvariantCulture),
        FactKind.True => "true",
        _ => "false",
    };
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class FactJson : System.Text.Json.Serialization.JsonSerializerContext;

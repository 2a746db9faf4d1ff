using System.Text.Json;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>Reads an action's inputs as Go reads them into a struct: what is missing is empty, what has the wrong type fails.</summary>
internal sealed class GoArguments(AgentCall call, string structName)
{
    private string? fault;

    /// <summary>The reply that Go's decoder causes, or null when the inputs could be read. The first fault counts.</summary>
    public AgentReply? Fault
    {
        get
        {
            if (call.Data.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined))
            {
                fault ??= $"json: cannot unmarshal {GoName(call.Data.ValueKind)} into Go value of type provision.{structName}";
            }

            return fault is null
                ? null
                : AgentReply.Invalid($"Could not parse request data for {call.Agent}#{call.Action}: {fault}");
        }
    }

    public string Text(string field)
    {
        if (!TryGet(field, out var value))
        {
            return "";
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString()! : Mismatch(field, value, "string", "");
    }

    public int Integer(string field)
    {
        if (!TryGet(field, out var value))
        {
            return 0;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : Mismatch(field, value, "int", 0);
    }

    /// <summary>The names of a map of texts.</summary>
    public IReadOnlyList<string> Names(string field)
    {
        if (!TryGet(field, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return Mismatch<IReadOnlyList<string>>(field, value, "map[string]string", []);
        }

        var odd = value.EnumerateObject()
            .FirstOrDefault(entry => entry.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null));
        return odd.Value.ValueKind == JsonValueKind.Undefined
            ? [.. value.EnumerateObject().Select(entry => entry.Name)]
            : Mismatch<IReadOnlyList<string>>(field, odd.Value, "string", []);
    }

    /// <summary>How Go's decoder names the kind of a JSON value.</summary>
    public static string GoName(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        _ => "bool",
    };

    private bool TryGet(string field, out JsonElement value)
    {
        value = default;
        return call.Data.ValueKind == JsonValueKind.Object
            && call.Data.TryGetProperty(field, out value)
            && value.ValueKind != JsonValueKind.Null;
    }

    private TValue Mismatch<TValue>(string field, JsonElement value, string goType, TValue empty)
    {
        fault ??= $"json: cannot unmarshal {GoName(value.ValueKind)} into Go struct field {structName}.{field} of type {goType}";
        return empty;
    }
}

using System.Globalization;
using System.Text.Json;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>Finds a fact by its path: names and array positions with dots between them, the part of gjson that people use.</summary>
internal static class Facts
{
    public static JsonElement? FindOrNull(JsonElement facts, string path)
    {
        var found = facts;
        foreach (var name in path.Split('.'))
        {
            if (found.ValueKind == JsonValueKind.Object && found.TryGetProperty(name, out var member))
            {
                found = member;
            }
            else if (found.ValueKind == JsonValueKind.Array
                && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                && position < found.GetArrayLength())
            {
                found = found[position];
            }
            else
            {
                return null;
            }
        }

        return found;
    }
}

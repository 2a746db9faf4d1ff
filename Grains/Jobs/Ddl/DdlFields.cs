using System.Text.Json;

namespace ControlPlane.Jobs;

/// <summary>Reads the members of a DDL's objects and gathers what is wrong with them, each with its path.</summary>
internal sealed class DdlFields
{
    private const int FaultsMax = 50;
    private const int MembersMax = 500;

    private readonly List<string> faults = [];

    public IReadOnlyList<string> Faults => faults;

    public void Fault(string path, string problem)
    {
        if (faults.Count < FaultsMax)
        {
            faults.Add($"{path} {problem}");
        }
    }

    public string Text(JsonElement within, string name, string path, bool isNeeded = false)
    {
        if (Find(within, name) is { } value)
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                return value.GetString()!;
            }

            Fault(path + name, "must be a text");
        }
        else if (isNeeded)
        {
            Fault(path + name, "is missing");
        }

        return "";
    }

    public double? Number(JsonElement within, string name, string path)
    {
        if (Find(within, name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number))
        {
            return number;
        }

        Fault(path + name, "must be a number");
        return null;
    }

    public bool Flag(JsonElement within, string name, string path)
    {
        switch (Find(within, name)?.ValueKind)
        {
            case JsonValueKind.True:
                return true;
            case null or JsonValueKind.False:
                return false;
            default:
                Fault(path + name, "must be true or false");
                return false;
        }
    }

    public JsonElement Object(JsonElement within, string name, string path, bool isNeeded = false)
    {
        if (Find(within, name) is { } value)
        {
            if (value.ValueKind == JsonValueKind.Object)
            {
                return value;
            }

            Fault(path + name, "must be an object");
        }
        else if (isNeeded)
        {
            Fault(path + name, "is missing");
        }

        return default;
    }

    public IReadOnlyList<JsonProperty> Members(JsonElement within, string name, string path)
    {
        var holder = Object(within, name, path);
        if (holder.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        var members = holder.EnumerateObject().Take(MembersMax + 1).ToList();
        if (members.Count > MembersMax)
        {
            Fault(path + name, $"has more than {MembersMax} members");
            return [];
        }

        foreach (var twice in members.GroupBy(member => member.Name, StringComparer.Ordinal).Where(named => named.Count() > 1))
        {
            Fault($"{path}{name}.{twice.Key}", "is there twice");
        }

        return [.. members.DistinctBy(member => member.Name)];
    }

    public IReadOnlyList<JsonElement> List(JsonElement within, string name, string path, int max)
    {
        if (Find(within, name) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Fault(path + name, "must be a list");
            return [];
        }

        if (value.GetArrayLength() > max)
        {
            Fault(path + name, $"has {value.GetArrayLength()} entries, at most {max} are taken");
            return [];
        }

        return [.. value.EnumerateArray()];
    }

    private static JsonElement? Find(JsonElement within, string name) =>
        within.ValueKind == JsonValueKind.Object && within.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;
}

using System.Buffers;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Filters;

/// <summary>Paths into a node's facts: the part of gjson's that says one place.</summary>
internal static class FactPath
{
    private const int CharsMax = 512;

    /// <summary>
    /// What gjson would read as a search, a modifier or a list of paths; only <c>#</c> as a whole name, the length of an array, is taken.
    /// </summary>
    private static readonly SearchValues<char> Searching = SearchValues.Create("*?|@{}[]()!");

    /// <exception cref="FilterException">It is not the path of one place.</exception>
    public static void Check(string path)
    {
        if (path.Length is 0 or > CharsMax)
        {
            throw new FilterException($"the path of a fact has 1 to {CharsMax} characters");
        }

        if (path.AsSpan().IndexOfAny(Searching) is var at and >= 0)
        {
            throw new FilterException($"'{path}' is a search for facts ('{path[at]}'); name one place, such as os.family or disks.0.size");
        }
    }

    /// <summary>The names and positions of a path; <c>\.</c> is a dot within a name.</summary>
    public static IReadOnlyList<string> Split(string path)
    {
        var names = new List<string>();
        var name = new StringBuilder();
        for (var at = 0; at < path.Length; at++)
        {
            if (path[at] == '.')
            {
                names.Add(name.ToString());
                name.Clear();
                continue;
            }

            at += path[at] == '\\' && at + 1 < path.Length ? 1 : 0;
            name.Append(path[at]);
        }

        names.Add(name.ToString());
        return names;
    }

    /// <summary>The leaves of a document with their paths, in its order, at most so many.</summary>
    public static void Flatten(JsonElement facts, int leavesMax, List<(string Path, FactValue Value)> leaves)
    {
        var path = new StringBuilder();
        Walk(facts, path, leavesMax, leaves);
    }

    /// <summary>The text at a path of plain names; null when there is none.</summary>
    public static string? FindOrNull(JsonElement facts, string path)
    {
        var found = facts;
        foreach (var name in path.Split('.'))
        {
            if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(name, out found))
            {
                return null;
            }
        }

        return found.ValueKind == JsonValueKind.String ? found.GetString() : null;
    }

    private static void Walk(JsonElement element, StringBuilder path, int leavesMax, List<(string Path, FactValue Value)> leaves)
    {
        if (leaves.Count >= leavesMax)
        {
            return;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Step(member.Value, path, Escape(member.Name), leavesMax, leaves);
                }

                break;

            case JsonValueKind.Array:
                Add(path, "#", new FactValue(FactKind.Number, "", element.GetArrayLength()), leaves);
                foreach (var (position, member) in element.EnumerateArray().Index())
                {
                    Step(member, path, position.ToString(System.Globalization.CultureInfo.InvariantCulture), leavesMax, leaves);
                }

                break;

            default:
                if (FactValue.OfOrNull(element) is { } value && path.Length <= CharsMax)
                {
                    leaves.Add((path.ToString(), value));
                }

                break;
        }
    }

    private static void Step(
        JsonElement member, StringBuilder path, string name, int leavesMax, List<(string Path, FactValue Value)> leaves)
    {
        var length = path.Length;
        path.Append(length > 0 ? "." : "").Append(name);
        Walk(member, path, leavesMax, leaves);
        path.Length = length;
    }

    private static void Add(StringBuilder path, string name, FactValue value, List<(string Path, FactValue Value)> leaves)
    {
        if (path.Length > 0 && path.Length <= CharsMax)
        {
            leaves.Add(($"{path}.{name}", value));
        }
    }

    private static string Escape(string name) => name.Replace(".", @"\.", StringComparison.Ordinal);
}

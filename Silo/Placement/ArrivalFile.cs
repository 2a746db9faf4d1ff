using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlPlane.Placement;

/// <summary>Reads made-up nodes from CSV or JSON lines.</summary>
internal static class ArrivalFile
{
    /// <exception cref="IOException">It is neither.</exception>
    public static IReadOnlyList<SimulatedArrival> Read(IReadOnlyList<string> lines)
    {
        try
        {
            return lines.FirstOrDefault(line => line.Length > 0)?.TrimStart().StartsWith('{') == true
                ? [.. lines.Where(line => line.Length > 0).Select(ReadJson)]
                : ReadCsv(lines);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new IOException($"a line is not a JSON object: {fault.Message}", fault);
        }
    }

    private static SimulatedArrival ReadJson(string line)
    {
        var node = JsonNode.Parse(line)?.AsObject() ?? throw new IOException("a line is not a JSON object");
        string Part(string name) => node[name]?.ToJsonString() ?? "{}";
        return new SimulatedArrival(node["identity"]?.ToString() ?? throw new IOException("a line has no identity"),
            Part("claims"), Part("enrolment"), Part("facts"));
    }

    private static List<SimulatedArrival> ReadCsv(IReadOnlyList<string> lines)
    {
        var header = lines.Count == 0 ? [] : Cells(lines[0]);
        var identity = header.IndexOf("identity");
        if (identity < 0)
        {
            throw new IOException("the first line must name the columns, one of them 'identity'");
        }

        var arrivals = new List<SimulatedArrival>(lines.Count);
        foreach (var line in lines.Skip(1).Where(line => line.Length > 0))
        {
            var cells = Cells(line);
            if (cells.Count <= identity)
            {
                throw new IOException($"a line has {cells.Count} columns, too few for an identity: {line}");
            }

            var parts = new Dictionary<string, JsonObject> { ["jwt"] = [], ["enrolment"] = [], ["facts"] = [] };
            for (var i = 0; i < Math.Min(cells.Count, header.Count); i++)
            {
                if (i != identity && cells[i].Length > 0)
                {
                    Put(parts, header[i].Split('.'), cells[i]);
                }
            }

            arrivals.Add(new SimulatedArrival(cells[identity], parts["jwt"].ToJsonString(), parts["enrolment"].ToJsonString(),
                parts["facts"].ToJsonString()));
        }

        return arrivals;
    }

    // RFC 4180 but for line breaks inside quotes: a node is a line.
    private static List<string> Cells(string line)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        var isQuoted = false;
        for (var at = 0; at < line.Length; at++)
        {
            switch (line[at])
            {
                case '"' when isQuoted && at + 1 < line.Length && line[at + 1] == '"':
                    cell.Append('"');
                    at++;
                    break;
                case '"':
                    isQuoted = !isQuoted;
                    break;
                case ',' when !isQuoted:
                    cells.Add(cell.ToString().Trim());
                    cell.Clear();
                    break;
                default:
                    cell.Append(line[at]);
                    break;
            }
        }

        return [.. cells, cell.ToString().Trim()];
    }

    // jwt.ext.customer is customer inside ext inside the claims.
    private static void Put(Dictionary<string, JsonObject> parts, string[] path, string value)
    {
        if (path.Length < 2 || !parts.TryGetValue(path[0], out var at))
        {
            throw new IOException($"column '{string.Join('.', path)}' begins with jwt., enrolment. or facts.");
        }

        foreach (var step in path[1..^1])
        {
            at[step] ??= new JsonObject();
            at = at[step] as JsonObject ?? throw new IOException($"column '{string.Join('.', path)}' lies inside another column");
        }

        at[path[^1]] = value;
    }
}

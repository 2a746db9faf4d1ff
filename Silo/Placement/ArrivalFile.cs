using System.Text.Json;
using System.Text.Json.Nodes;
using CsvHelper;

namespace ControlPlane.Placement;

/// <summary>Reads made-up nodes from CSV or JSON lines.</summary>
internal static class ArrivalFile
{
    private static readonly CsvReaderOptions Format = new()
    {
        Separator = ',', TrimWhitespace = true, TrackLineNumbers = true, MalformedData = CsvMalformedDataHandling.Throw,
    };

    /// <exception cref="IOException">It is neither.</exception>
    public static IReadOnlyList<SimulatedArrival> Read(string text)
    {
        try
        {
            return text.AsSpan().TrimStart().StartsWith('{')
                ? [.. text.Split('\n').Where(line => !string.IsNullOrWhiteSpace(line)).Select(ReadJson)]
                : ReadCsv(text);
        }
        catch (CsvFormatException fault)
        {
            throw new IOException($"this is not CSV: {fault.Message}", fault);
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

    private static List<SimulatedArrival> ReadCsv(string text)
    {
        using var csv = CsvReader.FromText(text, Format);
        var header = csv.Headers;
        if (!csv.TryGetFieldIndex("identity", out var identity))
        {
            throw new IOException("the first line must name the columns, one of them 'identity'");
        }

        var arrivals = new List<SimulatedArrival>();
        while (csv.Read())
        {
            if (csv.FieldCount <= identity)
            {
                throw new IOException($"line {csv.LineNumber} has {csv.FieldCount} columns, too few for an identity");
            }

            var parts = new Dictionary<string, JsonObject> { ["jwt"] = [], ["enrolment"] = [], ["facts"] = [] };
            for (var i = 0; i < Math.Min(csv.FieldCount, header.Count); i++)
            {
                if (i != identity && !csv.IsEmpty(i))
                {
                    Put(parts, header[i].Split('.'), csv.GetString(i));
                }
            }

            arrivals.Add(new SimulatedArrival(csv.GetString(identity), parts["jwt"].ToJsonString(), parts["enrolment"].ToJsonString(),
                parts["facts"].ToJsonString()));
        }

        return arrivals;
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

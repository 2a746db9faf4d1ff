using System.Globalization;
using System.Text.Json;

namespace ControlPlane.Jobs;

/// <summary>One line of a summary: a value and how many nodes gave it, or the figure of all.</summary>
public sealed record DdlFigure(string Value, long Nodes);

/// <param name="Output">The output that was summed up.</param>
/// <param name="DisplayAs">What it is called where results are shown.</param>
/// <param name="Function"><c>summary</c>, <c>average</c> or <c>sum</c>.</param>
/// <param name="Figures">A summary's values, the most frequent first; one figure for the others; none when no node gave one.</param>
/// <param name="MoreValues">Distinct values of a summary that were beyond its room.</param>
public sealed record DdlSummary(string Output, string DisplayAs, string Function, IReadOnlyList<DdlFigure> Figures, long MoreValues);

/// <summary>Sums up replies as the DDL of their action asks. Of aggregates that we do not know nothing is shown. Not thread-safe.</summary>
public sealed class DdlAggregates
{
    /// <summary>Distinct values of one summary; a summary of more is none.</summary>
    private const int ValuesMax = 1000;

    private const int ValueCharsMax = 256;

    private readonly IReadOnlyList<Running> running;

    public DdlAggregates(DdlAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        running =
        [
            .. action.Aggregates.Where(one => one.Function is "summary" or "average" or "sum").Select(one => new Running(
                one, action.Outputs.FirstOrDefault(output => output.Name == one.Output)?.DisplayAs ?? one.Output)),
        ];
    }

    /// <summary>Takes the outputs of one node's reply into account; what has the wrong type counts for nothing.</summary>
    public void Add(JsonElement data)
    {
        if (data.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var one in running)
        {
            if (data.TryGetProperty(one.Aggregate.Output, out var value) && value.ValueKind != JsonValueKind.Null)
            {
                one.Add(value);
            }
        }
    }

    public IReadOnlyList<DdlSummary> Results => [.. running.Select(one => one.Result())];

    private sealed class Running(DdlAggregate aggregate, string displayAs)
    {
        private readonly Dictionary<string, long> values = new(StringComparer.Ordinal);
        private double total;
        private long nodes;
        private long beyond;

        public DdlAggregate Aggregate => aggregate;

        public void Add(JsonElement value)
        {
            if (aggregate.Function == "summary")
            {
                Count(value);
            }
            else if (NumberOf(value) is { } number)
            {
                (total, nodes) = (total + number, nodes + 1);
            }
        }

        public DdlSummary Result() => new(aggregate.Output, displayAs, aggregate.Function, Figures(), beyond);

        private IReadOnlyList<DdlFigure> Figures() => aggregate.Function switch
        {
            "summary" =>
            [
                .. values.OrderByDescending(one => one.Value).ThenBy(one => one.Key, StringComparer.Ordinal)
                    .Select(one => new DdlFigure(one.Key, one.Value)),
            ],
            _ when nodes == 0 => [],
            "average" => [new DdlFigure(Text(total / nodes), nodes)],
            _ => [new DdlFigure(Text(total), nodes)],
        };

        private void Count(JsonElement value)
        {
            // Each entry of a list counts, as in Choria.
            if (value.ValueKind == JsonValueKind.Array)
            {
                foreach (var entry in value.EnumerateArray())
                {
                    CountOne(entry);
                }
            }
            else
            {
                CountOne(value);
            }
        }

        private void CountOne(JsonElement value)
        {
            var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
            text = text.Length <= ValueCharsMax ? text : text[..ValueCharsMax] + "…";
            if (values.TryGetValue(text, out var count) || values.Count < ValuesMax)
            {
                values[text] = count + 1;
            }
            else
            {
                beyond++;
            }
        }

        private static double? NumberOf(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String when double.TryParse(
                value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
            _ => null,
        };

        private static string Text(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
    }
}

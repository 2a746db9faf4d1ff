using System.Diagnostics;

namespace ControlPlane.Nodes;

/// <summary>Pages of nodes that match a query, and counts of a fact's values, over all slices of the index.</summary>
internal static class IndexPages
{
    /// <exception cref="QueryRefusedException">The query cannot be understood.</exception>
    public static async Task<NodePage> ReadAsync(
        IGrainFactory grains, NodeQuery query, string? after, int limit, CancellationToken cancellationToken)
    {
        var firsts = new SelectOutcome.Selected?[FleetSlices.Count];
        var page = await RosterPages.ReadAsync(
            async (slice, from, most) =>
            {
                var selected = Read(await grains.GetSlice(slice).Select(query, from, most));
                firsts[slice] ??= selected;
                return selected.Nodes;
            },
            after,
            limit,
            cancellationToken);
        return page with { Matched = firsts.Sum(first => first!.Matched), IsComplete = firsts.All(first => first!.IsComplete) };
    }

    /// <exception cref="QueryRefusedException">The query cannot be understood.</exception>
    public static async Task<FactCounts> CountAsync(IGrainFactory grains, NodeQuery query, string fact, int limit)
    {
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, FleetSlices.Count).Select(slice => grains.GetSlice(slice).CountFact(query, fact)));
        var counted = outcomes.Select(Read).ToList();
        var values = counted.SelectMany(slice => slice.Values).GroupBy(value => value.Key, StringComparer.Ordinal)
            .Select(same => new FactCount(same.Key, same.Sum(value => value.Value)))
            .OrderByDescending(value => value.Nodes).ThenBy(value => value.Value, StringComparer.Ordinal)
            .ToList();
        return new FactCounts(
            fact,
            [.. values.Take(limit)],
            counted.Sum(slice => slice.Others) + values.Skip(limit).Sum(value => value.Nodes),
            counted.Sum(slice => slice.Missing),
            counted.All(slice => slice.IsComplete));
    }

    private static SelectOutcome.Selected Read(SelectOutcome outcome) => outcome switch
    {
        SelectOutcome.Selected selected => selected,
        SelectOutcome.Refused refused => throw new QueryRefusedException(refused.Detail),
        _ => throw new UnreachableException(),
    };

    private static CountOutcome.Counted Read(CountOutcome outcome) => outcome switch
    {
        CountOutcome.Counted counted => counted,
        CountOutcome.Refused refused => throw new QueryRefusedException(refused.Detail),
        _ => throw new UnreachableException(),
    };
}

/// <summary>A query that cannot be understood; the message is for whoever wrote it.</summary>
internal sealed class QueryRefusedException(string message) : Exception(message);

/// <param name="Fact">The path that was counted.</param>
/// <param name="Values">How many nodes have which value, the most frequent first.</param>
/// <param name="Others">Nodes with a value that is not listed.</param>
/// <param name="Missing">Nodes that match and do not have the fact.</param>
/// <param name="IsComplete">False while the index still reads what was known before its silo started.</param>
internal sealed record FactCounts(string Fact, IReadOnlyList<FactCount> Values, int Others, int Missing, bool IsComplete);

/// <param name="Value">In JSON's notation: the text "1" and the number 1 are two values.</param>
/// <param name="Nodes">How many have it.</param>
internal sealed record FactCount(string Value, int Nodes);

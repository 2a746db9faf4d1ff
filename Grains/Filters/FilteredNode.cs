using System.Text.Json;

namespace ControlPlane.Filters;

/// <summary>One node as a filter is asked of it, where there is no index to ask. Immutable.</summary>
/// <param name="Facts">The leaves of its facts by their paths.</param>
/// <param name="Classes">Its classes.</param>
/// <param name="Agents">The names of its agents.</param>
internal sealed record FilteredNode(
    IReadOnlyDictionary<string, FactValue> Facts, IReadOnlyList<string> Classes, IReadOnlyList<string> Agents)
{
    /// <param name="factsJson">One JSON object.</param>
    /// <param name="leavesMax">How many facts are looked at.</param>
    /// <param name="classes">Its classes.</param>
    /// <param name="agents">The names of its agents.</param>
    public static FilteredNode Of(
        ReadOnlyMemory<byte> factsJson, int leavesMax, IReadOnlyList<string> classes, IReadOnlyList<string> agents)
    {
        var leaves = new List<(string Path, FactValue Value)>();
        using (var facts = JsonDocument.Parse(factsJson))
        {
            FactPath.Flatten(facts.RootElement, leavesMax, leaves);
        }

        return new FilteredNode(
            leaves.DistinctBy(leaf => leaf.Path, StringComparer.Ordinal)
                .ToDictionary(leaf => leaf.Path, leaf => leaf.Value, StringComparer.Ordinal),
            classes,
            agents);
    }

    /// <summary>Whether the filter holds, as it would in an index.</summary>
    public bool Fulfils(FilterExpression filter) => filter switch
    {
        FilterExpression.And and => Fulfils(and.Left) && Fulfils(and.Right),
        FilterExpression.Or or => Fulfils(or.Left) || Fulfils(or.Right),
        FilterExpression.Not not => !Fulfils(not.Of),
        FilterExpression.Fact fact => Facts.TryGetValue(fact.Test.Path, out var value) && fact.Test.Holds(value),
        FilterExpression.Class of => Classes.Any(of.Test.Holds),
        FilterExpression.Agent of => Agents.Any(of.Test.Holds),
        FilterExpression.Named of => Classes.Any(of.AsClass.Holds) || Agents.Any(of.AsAgent.Holds),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

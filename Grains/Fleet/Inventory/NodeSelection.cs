using ControlPlane.Filters;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>A query that was understood: what an index evaluates.</summary>
internal sealed class NodeSelection
{
    private const int TestsMax = 128;

    private readonly NodeQuery query;
    private readonly IReadOnlyList<NameTest> identities;

    private NodeSelection(NodeQuery query, FilterExpression? filter, IReadOnlyList<NameTest> identities) =>
        (this.query, Filter, this.identities) = (query, filter, identities);

    /// <summary>What the inventory must fulfil; null when nothing.</summary>
    public FilterExpression? Filter { get; }

    /// <exception cref="FilterException">A part of the query cannot be understood.</exception>
    public static NodeSelection Of(NodeQuery query)
    {
        if (query.Facts.Count + query.Classes.Count + query.Agents.Count + query.Identities.Count > TestsMax)
        {
            throw new FilterException($"a query has at most {TestsMax} facts, classes, agents and identities");
        }

        var parts = query.Facts.Select(ReadFact)
            .Concat(query.Classes.Select(wanted => new FilterExpression.Class(NameTest.OfClass(wanted))))
            .Concat(query.Agents.Select(wanted => (FilterExpression)new FilterExpression.Agent(NameTest.OfName(wanted))))
            .Concat(string.IsNullOrWhiteSpace(query.Filter) ? [] : [FilterReader.Read(query.Filter)])
            .ToList();
        var filter = parts.Count == 0 ? null : parts.Aggregate((left, right) => new FilterExpression.And(left, right));
        return new NodeSelection(query, filter, [.. query.Identities.Select(NameTest.OfName)]);
    }

    /// <summary>Whether how a node stands is what the query asks for.</summary>
    public bool Includes(RosterEntry entry, string? version) =>
        (query.Stage is null || query.Stage == entry.Stage)
        && (query.Liveness is null || query.Liveness == entry.Liveness)
        && (query.Overlay is null || query.Overlay == entry.Overlay)
        && (query.Version is null || query.Version == version)
        && (identities.Count == 0 || identities.Any(test => test.Holds(entry.Identity)));

    private static FilterExpression ReadFact(string text) => new FilterExpression.Fact(
        FactTest.ReadOrNull(text) ?? throw new FilterException(
            $"'{text}' compares no fact; write it as country=uk or os.release.major>=12"));
}

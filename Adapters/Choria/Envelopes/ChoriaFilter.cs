namespace ControlPlane.Adapters.Choria;

/// <summary>Which nodes a request is for. All kinds must match; an empty list does not constrain.</summary>
public sealed record ChoriaFilter
{
    /// <summary>Comparisons of facts; all must hold.</summary>
    public IReadOnlyList<FactFilter> Facts { get; init; } = [];

    /// <summary>Configuration management classes, or <c>/regex/</c>; all must be there.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Agents, or <c>/regex/</c>; all must be there.</summary>
    public IReadOnlyList<string> Agents { get; init; } = [];

    /// <summary>Identities, or <c>/regex/</c>; one must match.</summary>
    public IReadOnlyList<string> Identities { get; init; } = [];

    /// <summary>Expressions that the node evaluates. More than one does not mean "and" on the node: send one.</summary>
    public IReadOnlyList<string> Expressions { get; init; } = [];

    /// <summary>The empty filter.</summary>
    public static ChoriaFilter Everyone { get; } = new();

    public bool IsEmpty => Facts.Count + Classes.Count + Agents.Count + Identities.Count + Expressions.Count == 0;

    /// <summary>Nodes with an agent: what direct requests and discovery send.</summary>
    public static ChoriaFilter HavingAgent(string agent) => new() { Agents = [agent] };
}

/// <param name="Fact">A gjson path into the node's facts.</param>
/// <param name="Operator">One of <c>== != &lt; &lt;= &gt; &gt;= =~</c>.</param>
/// <param name="Value">What to compare with; not empty.</param>
public sealed record FactFilter(string Fact, string Operator, string Value);

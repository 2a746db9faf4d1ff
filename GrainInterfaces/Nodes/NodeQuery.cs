namespace ControlPlane.Nodes;

/// <summary>Which nodes are meant. Everything that is given must hold; nothing given means all.</summary>
/// <param name="Filter">
/// An expression: <c>and</c>, <c>or</c>, <c>not</c>, parentheses; facts (<c>country=uk</c>, <c>os.release.major&gt;=12</c>), classes and
/// agents (a name or <c>/regex/</c>). <c>with('…')</c> around a term, as Choria writes it, changes nothing.
/// </param>
/// <param name="Facts">Fact comparisons in Choria's text form; all must hold.</param>
/// <param name="Classes">Classes, or <c>/regex/</c>; all must be there.</param>
/// <param name="Agents">Agents, or <c>/regex/</c>; all must be there.</param>
/// <param name="Identities">Identities, or <c>/regex/</c>; one must match.</param>
/// <param name="Stage">How far it is.</param>
/// <param name="Liveness">Whether it is heard.</param>
/// <param name="Overlay">The overlay it was placed in.</param>
/// <param name="Version">The Choria version that runs.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeQuery")]
public sealed record NodeQuery(
    [property: Id(0)] string? Filter,
    [property: Id(1)] IReadOnlyList<string> Facts,
    [property: Id(2)] IReadOnlyList<string> Classes,
    [property: Id(3)] IReadOnlyList<string> Agents,
    [property: Id(4)] IReadOnlyList<string> Identities,
    [property: Id(5)] NodeStage? Stage,
    [property: Id(6)] NodeLiveness? Liveness,
    [property: Id(7)] string? Overlay,
    [property: Id(8)] string? Version)
{
    /// <summary>All nodes.</summary>
    public static NodeQuery All { get; } = new(null, [], [], [], [], null, null, null, null);
}

/// <summary>What a slice answers.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.SelectOutcome")]
public abstract record SelectOutcome
{
    /// <param name="Nodes">The nodes that match, in order of identity.</param>
    /// <param name="Matched">How many match in all, those before and after the page too.</param>
    /// <param name="IsComplete">False while the slice still reads what was known before it started.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.SelectOutcome.Selected")]
    public sealed record Selected(
        [property: Id(0)] IReadOnlyList<RosterEntry> Nodes,
        [property: Id(1)] int Matched,
        [property: Id(2)] bool IsComplete) : SelectOutcome;

    /// <param name="Detail">What is wrong with the query, and where.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.SelectOutcome.Refused")]
    public sealed record Refused([property: Id(0)] string Detail) : SelectOutcome;
}

/// <summary>What a slice answers when values are counted.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.CountOutcome")]
public abstract record CountOutcome
{
    /// <param name="Values">How many nodes have which value, in JSON's notation; the most frequent ones of the slice.</param>
    /// <param name="Others">Nodes with values that are not listed.</param>
    /// <param name="Missing">Nodes that match and do not have the fact.</param>
    /// <param name="IsComplete">False while the slice still reads what was known before it started.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.CountOutcome.Counted")]
    public sealed record Counted(
        [property: Id(0)] IReadOnlyDictionary<string, int> Values,
        [property: Id(1)] int Others,
        [property: Id(2)] int Missing,
        [property: Id(3)] bool IsComplete) : CountOutcome;

    /// <param name="Detail">What is wrong with the query, and where.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.CountOutcome.Refused")]
    public sealed record Refused([property: Id(0)] string Detail) : CountOutcome;
}

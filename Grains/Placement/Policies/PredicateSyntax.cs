namespace ControlPlane.Placement.Policies;

/// <summary>A predicate as written. <paramref name="At"/> is the offset of its first character in the text.</summary>
internal abstract record PredicateSyntax(int At)
{
    public sealed record Or(int At, PredicateSyntax Left, PredicateSyntax Right) : PredicateSyntax(At);

    public sealed record And(int At, PredicateSyntax Left, PredicateSyntax Right) : PredicateSyntax(At);

    public sealed record Not(int At, PredicateSyntax Operand) : PredicateSyntax(At);

    public sealed record Compare(int At, Comparison Operator, PredicateSyntax Left, PredicateSyntax Right) : PredicateSyntax(At);

    /// <summary><c>left in right</c>; written as <c>right has left</c> it is the same.</summary>
    public sealed record In(int At, PredicateSyntax Item, PredicateSyntax List) : PredicateSyntax(At);

    /// <summary><c>has(node.x)</c>: the node has a value for it.</summary>
    public sealed record Present(int At, Reference Of) : PredicateSyntax(At);

    /// <summary><c>matches(node.x, "pattern")</c>.</summary>
    public sealed record Matches(int At, PredicateSyntax Text, Literal Pattern) : PredicateSyntax(At);

    /// <summary><c>node</c>, <c>node.customer</c>, <c>overlay.labels.pci</c>.</summary>
    public sealed record Reference(int At, bool IsOverlay, string Name) : PredicateSyntax(At);

    /// <param name="Value">A string, double, bool or string[].</param>
    public sealed record Literal(int At, object Value) : PredicateSyntax(At);
}

internal enum Comparison
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>What is wrong in a predicate, and where in its text.</summary>
internal sealed class PredicateFaultException(int at, string message) : Exception(message)
{
    public int At { get; } = at;
}

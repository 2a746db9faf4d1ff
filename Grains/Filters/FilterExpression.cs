namespace ControlPlane.Filters;

/// <summary>A filter as it was understood.</summary>
internal abstract record FilterExpression
{
    public sealed record And(FilterExpression Left, FilterExpression Right) : FilterExpression;

    public sealed record Or(FilterExpression Left, FilterExpression Right) : FilterExpression;

    public sealed record Not(FilterExpression Of) : FilterExpression;

    /// <summary>A fact that compares as it should.</summary>
    public sealed record Fact(FactTest Test) : FilterExpression;

    /// <summary>A class or an agent of that name, or whose name matches.</summary>
    public sealed record Named(NameTest AsClass, NameTest AsAgent) : FilterExpression;

    /// <summary>A class.</summary>
    public sealed record Class(NameTest Test) : FilterExpression;

    /// <summary>An agent.</summary>
    public sealed record Agent(NameTest Test) : FilterExpression;
}

/// <summary>A name or a pattern of names.</summary>
internal sealed class NameTest
{
    private readonly string? name;
    private readonly System.Text.RegularExpressions.Regex? pattern;

    private NameTest(string? name, System.Text.RegularExpressions.Regex? pattern) => (this.name, this.pattern) = (name, pattern);

    /// <summary>The one name that it holds for; null when it is a pattern.</summary>
    public string? Name => name;

    /// <summary>Nodes lower what is asked for, not what they have: a class with capitals is found by a pattern only.</summary>
    /// <exception cref="FilterException">The pattern cannot be used.</exception>
    public static NameTest OfClass(string wanted) =>
        FilterPattern.IsPattern(wanted) ? new(null, FilterPattern.OfClass(wanted)) : new(wanted.ToLowerInvariant(), null);

    /// <exception cref="FilterException">The pattern cannot be used.</exception>
    public static NameTest OfName(string wanted) =>
        FilterPattern.IsPattern(wanted) ? new(null, FilterPattern.OfName(wanted)) : new(wanted, null);

    public bool Holds(string candidate) => pattern?.IsMatch(candidate) ?? candidate == name;
}

namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>Which nodes a request is for. All kinds must match; an empty list does not constrain.</summary>
/// <remarks>All five lists are on the wire: a node that misses one executes the action and then cannot build its reply.</remarks>
public sealed record ChoriaFilter
{
    /// <summary>Comparisons of facts; all must hold.</summary>
    [JsonPropertyName("fact"), JsonRequired]
    public IReadOnlyList<FactFilter> Facts { get; init; } = [];

    /// <summary>Configuration management classes, or <c>/regex/</c>; all must be there.</summary>
    [JsonPropertyName("cf_class"), JsonRequired]
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Agents, or <c>/regex/</c>; all must be there.</summary>
    [JsonPropertyName("agent"), JsonRequired]
    public IReadOnlyList<string> Agents { get; init; } = [];

    /// <summary>Identities, or <c>/regex/</c>; one must match.</summary>
    [JsonPropertyName("identity"), JsonRequired]
    public IReadOnlyList<string> Identities { get; init; } = [];

    /// <summary>Expressions that the node evaluates. More than one does not mean "and" on the node: send one.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Expressions { get; init; } = [];

    /// <summary>The expressions as they are on the wire.</summary>
    [JsonInclude, JsonPropertyName("compound"), JsonRequired]
    internal IReadOnlyList<IReadOnlyList<CompoundExpression>?> Compound
    {
        get => [.. Expressions.Select(text => new CompoundExpression[] { new() { Expr = text } })];
        init => Expressions = [.. value.SelectMany(any => any ?? []).Select(one => one.Expr)];
    }

    /// <summary>The empty filter.</summary>
    public static ChoriaFilter Everyone { get; } = new();

    [JsonIgnore]
    public bool IsEmpty => Facts.Count + Classes.Count + Agents.Count + Identities.Count + Expressions.Count == 0;

    // The runtime does not look at the nullability of elements.
    internal void RequireFacts(string path) =>
        WireJson.Require(!Facts.Contains(null!), ChoriaLayer.Request, path, "holds a null");

    /// <summary>Nodes with an agent: what direct requests and discovery send.</summary>
    public static ChoriaFilter HavingAgent(string agent) => new() { Agents = [agent] };
}

/// <param name="Fact">A gjson path into the node's facts.</param>
/// <param name="Operator">One of <c>== != &lt; &lt;= &gt; &gt;= =~</c>.</param>
/// <param name="Value">What to compare with; not empty.</param>
public sealed record FactFilter(
    [property: JsonConverter(typeof(NonEmptyText))] string Fact,
    [property: JsonConverter(typeof(OperatorConverter))] string Operator,
    [property: JsonConverter(typeof(NonEmptyText))] string Value);

internal readonly record struct CompoundExpression
{
    public required string Expr { get; init; }
}

internal sealed class OperatorConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() is "==" or "!=" or "<" or "<=" or ">" or ">=" or "=~"
            ? reader.GetString()!
            : throw new JsonException("is not an operator");

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

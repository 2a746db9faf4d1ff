using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ControlPlane.Jobs;

/// <summary>What an agent says of itself in its DDL: its actions, what each takes and what it answers.</summary>
/// <param name="Name">As requests name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="Version">Of the agent.</param>
/// <param name="Timeout">After it a node drops its reply.</param>
/// <param name="IsService">Whether one of many instances answers.</param>
/// <param name="Actions">By name.</param>
public sealed record AgentDdl(
    string Name, string Description, string Version, TimeSpan Timeout, bool IsService, IReadOnlyDictionary<string, DdlAction> Actions);

/// <param name="Name">As requests name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="Display">Which replies are worth showing.</param>
/// <param name="Inputs">By name.</param>
/// <param name="Outputs">By name, in the DDL's order.</param>
/// <param name="Aggregates">How its replies are summed up.</param>
public sealed record DdlAction(
    string Name,
    string Description,
    DdlDisplay Display,
    IReadOnlyDictionary<string, DdlInput> Inputs,
    IReadOnlyList<DdlOutput> Outputs,
    IReadOnlyList<DdlAggregate> Aggregates);

/// <summary>Which replies of an action are worth showing.</summary>
public enum DdlDisplay
{
    Failed,
    Ok,
    Always,
}

/// <summary>What an input or output holds.</summary>
public enum DdlType
{
    /// <summary>Not said: outputs only.</summary>
    Any,
    Text,
    Integer,

    /// <summary>With or without a fraction; <c>float</c> and <c>number</c>.</summary>
    Number,
    Boolean,

    /// <summary>One of the texts that the DDL lists.</summary>
    Choice,
    Object,
    Array,
}

/// <param name="Name">As requests name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="Type">What it holds.</param>
/// <param name="IsOptional">Whether a request may leave it out.</param>
/// <param name="Default">What is sent when it is left out; null for nothing.</param>
public sealed record DdlInput(string Name, string Description, DdlType Type, bool IsOptional, JsonNode? Default)
{
    /// <summary>The most bytes that a text may have; 0 when the DDL names no limit.</summary>
    public int LengthMax { get; init; }

    /// <summary>A regular expression or the name of a check, as the DDL has it; empty when there is none.</summary>
    public string Validation { get; init; } = "";

    /// <summary>The same, compiled; null when it is the name of a check.</summary>
    public Regex? Pattern { get; init; }

    /// <summary>What <see cref="DdlType.Choice"/> chooses from.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}

/// <param name="Name">As replies name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="DisplayAs">What it is called where results are shown.</param>
/// <param name="Type">What it holds.</param>
/// <param name="Default">What is shown when a reply lacks it; null for nothing.</param>
public sealed record DdlOutput(string Name, string Description, string DisplayAs, DdlType Type, JsonNode? Default);

/// <param name="Function"><c>summary</c>, <c>average</c>, <c>sum</c>, or one that we do not know.</param>
/// <param name="Output">The output that is summed up.</param>
/// <param name="Format">How Choria prints a line: <c>%s</c> for the value and <c>%d</c> for how many; empty when it is not said.</param>
public sealed record DdlAggregate(string Function, string Output, string Format);

namespace ControlPlane.Placement;

/// <summary>One thing that is wrong with a policy document.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What is wrong, naming the rule or attribute.</param>
/// <param name="IsWarning">Whether the policy could be applied all the same.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PolicyFault")]
public sealed record PolicyFault(
    [property: Id(0)] int Line,
    [property: Id(1)] int Column,
    [property: Id(2)] string Message,
    [property: Id(3)] bool IsWarning = false);

/// <summary>What a check or an application of a policy found.</summary>
/// <param name="Faults">In the order of the document; empty when there are none.</param>
/// <param name="Version">The version that is in force after the call.</param>
/// <param name="Applied">Whether this call put the document in force, or found it in force already.</param>
/// <param name="DryRun">What would change for the present fleet; null when the document has errors.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PolicyVerdict")]
public sealed record PolicyVerdict(
    [property: Id(0)] IReadOnlyList<PolicyFault> Faults,
    [property: Id(1)] int Version,
    [property: Id(2)] bool Applied,
    [property: Id(3)] PolicyDryRun? DryRun)
{
    /// <summary>Whether a fault keeps the policy from being applied.</summary>
    public bool HasErrors => Faults.Any(fault => !fault.IsWarning);
}

/// <summary>A policy held against the nodes that are placed now. Nothing is moved by it: nodes move by plans.</summary>
/// <param name="Nodes">How many nodes were looked at.</param>
/// <param name="Misplaced">How many are in an overlay that the policy would not let them join, counted by overlay and rule.</param>
/// <param name="Unplaceable">How many of those no overlay could take.</param>
/// <param name="SplitGroups">Required groups whose members are in more than one overlay.</param>
/// <param name="LargestGroup">The largest required group and its size, e.g. <c>customer-service/acme:shop: 3000</c>; empty
/// when there is none.</param>
/// <param name="Examples">At most 20 misplaced nodes.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PolicyDryRun")]
public sealed record PolicyDryRun(
    [property: Id(0)] int Nodes,
    [property: Id(1)] IReadOnlyList<MisplacedNodes> Misplaced,
    [property: Id(2)] int Unplaceable,
    [property: Id(3)] int SplitGroups,
    [property: Id(4)] string LargestGroup,
    [property: Id(5)] IReadOnlyList<MisplacedNode> Examples);

/// <param name="Overlay">Where they are.</param>
/// <param name="Rule">What rejects them there.</param>
/// <param name="Nodes">How many.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.MisplacedNodes")]
public sealed record MisplacedNodes([property: Id(0)] string Overlay, [property: Id(1)] string Rule, [property: Id(2)] int Nodes);

/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it is.</param>
/// <param name="Rule">What rejects it there.</param>
/// <param name="Target">Where it would go; null when no overlay could take it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.MisplacedNode")]
public sealed record MisplacedNode(
    [property: Id(0)] string Identity, [property: Id(1)] string Overlay, [property: Id(2)] string Rule, [property: Id(3)] string? Target);

/// <summary>A version of a region's policy.</summary>
/// <param name="Version">Counts up; traces of decisions name it.</param>
/// <param name="Name">The document's name.</param>
/// <param name="Text">The document as it was applied.</param>
/// <param name="Actor">Who applied it, as the API authenticated it.</param>
/// <param name="AppliedAt">When.</param>
/// <param name="Reason">Why, in their words; empty when they gave none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PolicyVersion")]
public sealed record PolicyVersion(
    [property: Id(0)] int Version,
    [property: Id(1)] string Name,
    [property: Id(2)] string Text,
    [property: Id(3)] string Actor,
    [property: Id(4)] DateTimeOffset AppliedAt,
    [property: Id(5)] string Reason = "");

namespace ControlPlane.Placement;

/// <summary>Why a node is where it is.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Policy">Name and version of the policy that decided, e.g. <c>eu-default@17</c>.</param>
/// <param name="Sequence">The ledger's sequence at the decision: it orders decisions of the region.</param>
/// <param name="Overlay">What was decided; null when no overlay could take the node.</param>
/// <param name="Reason">In a sentence.</param>
/// <param name="Attributes">What the policy knew of the node, as a JSON object.</param>
/// <param name="Candidates">The overlays that could take it, best first.</param>
/// <param name="Rejected">The overlays that could not, each with the rule that says so.</param>
/// <param name="WhatWouldChangeIt">Up to five sentences.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacementExplanation")]
public sealed record PlacementExplanation(
    [property: Id(0)] string Identity,
    [property: Id(1)] string Policy,
    [property: Id(2)] long Sequence,
    [property: Id(3)] string? Overlay,
    [property: Id(4)] string Reason,
    [property: Id(5)] string Attributes,
    [property: Id(6)] IReadOnlyList<OverlayCandidate> Candidates,
    [property: Id(7)] IReadOnlyList<OverlayRejection> Rejected,
    [property: Id(8)] IReadOnlyList<string> WhatWouldChangeIt);

/// <param name="Overlay">Its name.</param>
/// <param name="Score">The weighted sum by which candidates are compared.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCandidate")]
public sealed record OverlayCandidate([property: Id(0)] string Overlay, [property: Id(1)] double Score);

/// <param name="Overlay">Its name.</param>
/// <param name="By">The rule, by its name in the policy or a built-in one such as <c>capacity.softLimit</c>.</param>
/// <param name="Detail">The figures, e.g. <c>18120/18000</c>; empty when the rule has none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayRejection")]
public sealed record OverlayRejection([property: Id(0)] string Overlay, [property: Id(1)] string By, [property: Id(2)] string Detail);

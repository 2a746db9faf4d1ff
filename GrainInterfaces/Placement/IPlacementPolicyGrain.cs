namespace ControlPlane.Placement;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>
/// The policy by which a region's nodes are placed. The same grain as <see cref="IRegionPlacementGrain"/>, seen by policy
/// authors.
/// </summary>
/// <remarks>Key: the region's name.</remarks>
[Alias("ControlPlane.IPlacementPolicyGrain")]
public interface IPlacementPolicyGrain : IGrainWithStringKey
{
    /// <summary>How many nodes one simulation takes.</summary>
    const int SimulatedNodesMax = 20_000;

    /// <summary>Reports every fault of a policy document and what it would change for the present fleet. Changes nothing.</summary>
    [Alias("CheckPolicy"), ReadOnly, ResponseTimeout("00:01:00"), Requires(Permissions.PlacementRead)]
    Task<PolicyVerdict> CheckPolicy(string text);

    /// <summary>Puts a policy in force, unless it has errors: then the present one stays.</summary>
    /// <param name="text">The YAML document.</param>
    /// <param name="reason">Why, for the policy's history, at most 200 characters; empty when nobody says. Access policies may demand it.
    /// </param>
    /// <remarks>Safe to repeat: the document that is in force already keeps its version.</remarks>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("ApplyPolicy"), ResponseTimeout("00:01:00"), Requires(Permissions.PlacementPolicyApply)]
    Task<PolicyVerdict> ApplyPolicy(string text, string reason = "");

    /// <summary>
    /// A version of the policy; null for the one in force. Null when no policy was ever applied or the version is not kept.
    /// </summary>
    [Alias("ShowPolicy"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<PolicyVersion?> ShowPolicy(int? version);

    /// <summary>The versions that are kept, newest first, without their texts.</summary>
    [Alias("ListPolicies"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<IReadOnlyList<PolicyVersion>> ListPolicies();

    /// <summary>Places made-up nodes on a copy of the region and says where they would go. Changes nothing.</summary>
    /// <param name="nodes">In the order of their arrival; at most <see cref="SimulatedNodesMax"/>.</param>
    /// <param name="text">The policy to try; null for the one in force.</param>
    [Alias("Simulate"), ReadOnly, ResponseTimeout("00:01:00"), Requires(Permissions.PlacementRead)]
    Task<SimulationOutcome> Simulate(IReadOnlyList<PlacementRequest> nodes, string? text);
}

/// <param name="Faults">Of the policy that was tried.</param>
/// <param name="Nodes">In the order given; empty when the policy has errors.</param>
/// <param name="Overlays">As they would be afterwards.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.SimulationOutcome")]
public sealed record SimulationOutcome(
    [property: Id(0)] IReadOnlyList<PolicyFault> Faults,
    [property: Id(1)] IReadOnlyList<SimulatedNode> Nodes,
    [property: Id(2)] IReadOnlyList<OverlaySnapshot> Overlays);

/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it would go; null when no overlay could take it.</param>
/// <param name="Reason">Why.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.SimulatedNode")]
public sealed record SimulatedNode([property: Id(0)] string Identity, [property: Id(1)] string? Overlay, [property: Id(2)] string Reason);

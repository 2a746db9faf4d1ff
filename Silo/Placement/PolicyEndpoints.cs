using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Hosting;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Placement;

/// <summary>The region's placement policy: checking, applying, reading, trying; and why a node is where it is.</summary>
internal static class PolicyEndpoints
{
    private const long PolicyBytesMax = 1024 * 1024;
    private const long SimulationBytesMax = 32 * 1024 * 1024;

    public static void MapPlacementPolicy(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/placement/policies", History).WithName("ListPolicies").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("The versions of the region's policy, newest first, without their texts.");
        v1.MapGet("/placement/policy", Show).WithName("GetPolicy").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("The policy in force, or an earlier version.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/placement/policy:check", Check).WithName("CheckPolicy").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithMetadata(new RequestSizeLimitAttribute(PolicyBytesMax))
            .WithSummary("Every fault of a policy document, and what it would change for the present fleet. Changes nothing.");
        v1.MapPost("/placement/policy:apply", Apply)
            .WithName("ApplyPolicy").WithTags("placement").Requires(Permissions.PlacementPolicyApply)
            .WithMetadata(new RequestSizeLimitAttribute(PolicyBytesMax))
            .WithSummary("Puts a policy in force. With errors 'applied' is false and the present one stays. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapGet("/placement/explanations/{identity}", Explain)
            .WithName("ExplainPlacement").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("Why a node is where it is.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/placement:simulate", Simulate).WithName("SimulatePlacement").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithMetadata(new RequestSizeLimitAttribute(SimulationBytesMax))
            .WithSummary("Places made-up nodes on a copy of the region. Changes nothing.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<Ok<IReadOnlyList<PolicyVersion>>> History(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await Policies(grains, locality).ListPolicies());

    private static async Task<Results<Ok<PolicyVersion>,
        ProblemHttpResult>> Show(IGrainFactory grains, Locality locality, int? version = null) =>
        await Policies(grains, locality).ShowPolicy(version) is { } policy
            ? TypedResults.Ok(policy)
            : Problems.Unknown("policy", version is null
                ? "no policy was ever applied: nodes stay where they are, newcomers go where there is most room"
                : $"version {version} is not kept");

    private static async Task<Ok<PolicyVerdict>> Check(IGrainFactory grains, Locality locality, [FromBody] PolicyBody body) =>
        TypedResults.Ok(await Policies(grains, locality).CheckPolicy(body.Text));

    private static async Task<Results<Ok<PolicyVerdict>, ProblemHttpResult>> Apply(
        IGrainFactory grains, Locality locality, [FromBody] PolicyApplicationBody body) =>
        GivenReason.TryReadIfGiven(body.Reason, out var reason)
            ? TypedResults.Ok(await Policies(grains, locality).ApplyPolicy(body.Text, reason))
            : Problems.Malformed(GivenReason.RuleIfGiven);

    private static async Task<Results<Ok<PlacementExplanation>,
        ProblemHttpResult>> Explain(IGrainFactory grains, Locality locality, string identity) =>
        !NodeIdentity.IsValid(identity) ? Problems.Malformed(NodeIdentity.Rule)
        : await grains.GetGrain<IRegionPlacementGrain>(locality.Region).Explain(identity) is { } explanation ? TypedResults.Ok(explanation)
        : Problems.UnknownNode(identity);

    private static async Task<Results<Ok<SimulationOutcome>, ProblemHttpResult>> Simulate(
        IGrainFactory grains, Locality locality, [FromBody] SimulationBody body)
    {
        if (body.Nodes.Count > IPlacementPolicyGrain.SimulatedNodesMax || body.Nodes.Any(node => !NodeIdentity.IsValid(node.Identity)))
        {
            return Problems.Malformed($"at most {IPlacementPolicyGrain.SimulatedNodesMax} nodes; {NodeIdentity.Rule}");
        }

        PlacementRequest[] nodes =
            [.. body.Nodes.Select(node => new PlacementRequest(node.Identity, node.Claims, node.Facts, node.Enrolment))];
        return TypedResults.Ok(await Policies(grains, locality).Simulate(nodes, body.Policy));
    }

    private static IPlacementPolicyGrain Policies(IGrainFactory grains, Locality locality) =>
        grains.GetGrain<IPlacementPolicyGrain>(locality.Region);
}

/// <param name="Text">The YAML document.</param>
internal sealed record PolicyBody(string Text);

/// <param name="Text">The YAML document.</param>
/// <param name="Reason">Why, for the policy's history. At most 200 characters; none by default.</param>
internal sealed record PolicyApplicationBody(string Text, string Reason = "") : IGivesReason;

/// <param name="Nodes">In the order of their arrival.</param>
/// <param name="Policy">A YAML document to try; the policy in force without.</param>
internal sealed record SimulationBody(IReadOnlyList<SimulatedArrival> Nodes, string? Policy = null);

/// <param name="Identity">The node.</param>
/// <param name="Claims">Its token's claims, as a JSON object in a string.</param>
/// <param name="Enrolment">The operator's record of it, likewise.</param>
/// <param name="Facts">Its own facts, likewise.</param>
internal sealed record SimulatedArrival(string Identity, string Claims = "{}", string Enrolment = "{}", string Facts = "{}");

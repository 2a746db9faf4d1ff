using System.ComponentModel;
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Nodes;

/// <summary>Nodes: who they are, how they stand, enrolling them anew, and taking them out of the fleet.</summary>
internal static class NodeEndpoints
{
    private const int PageDefault = 100;
    private const int PageMax = 1000;

    public static void MapNodes(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/nodes", List).WithName("ListNodes").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("Nodes in order of identity, a page at a time.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapGet("/nodes/{identity}", Show).WithName("GetNode").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("What is known of one node, with its history, its certificate and its placement.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapGet("/nodes/{identity}/configuration", Configuration)
            .WithName("GetNodeConfiguration").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("What a node would be configured with now, where each line comes from, and what it was sent. Secrets are masked.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/nodes/{identity}:decommission", Decommission)
            .WithName("DecommissionNode").WithTags("nodes").Requires(Permissions.NodesDecommission)
            .WithSummary("Takes a node out of the fleet: its certificates are revoked, its place is freed, and it is not enrolled again by itself. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/nodes/{identity}:reprovision", Reprovision)
            .WithName("ReprovisionNode").WithTags("nodes").Requires(Permissions.NodesReprovision)
            .WithSummary("Makes an enrolled, quarantined or decommissioned node enrol anew. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Ok<NodePage>, ProblemHttpResult>> List(
        IGrainFactory grains,
        [AsParameters] NodeQueryParameters parameters,
        [Description("The nextCursor of the page before; the first page without.")] string? cursor = null,
        [Description("Nodes per page, 1 to 1000.")] int limit = PageDefault,
        CancellationToken cancellationToken = default)
    {
        if (limit is < 1 or > PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {PageMax}, is {limit}");
        }

        if (parameters.FaultOrNull(out var query) is { } fault)
        {
            return Problems.Malformed(fault);
        }

        if (!PageCursor.TryRead(cursor, out var after))
        {
            return Problems.Malformed("cursor is not one that this API gave");
        }

        try
        {
            // The roster knows without the index who is in a stage, and is there before it.
            return TypedResults.Ok(query == NodeQuery.All with { Stage = query.Stage }
                ? await RosterPages.ReadAsync(grains, query.Stage, after, limit, cancellationToken)
                : await IndexPages.ReadAsync(grains, query, after, limit, cancellationToken));
        }
        catch (QueryRefusedException unclear)
        {
            return Problems.Malformed(unclear.Message);
        }
    }

    private static async Task<Results<Ok<NodeSnapshot>, ProblemHttpResult>> Show(IGrainFactory grains, string identity)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return Problems.Malformed(NodeIdentity.Rule);
        }

        var node = await grains.GetGrain<INodeGrain>(identity).Get();
        return node.Stage == NodeStage.Unknown ? Problems.UnknownNode(identity) : TypedResults.Ok(node);
    }

    private static async Task<Results<Ok<NodeConfigurationView>, ProblemHttpResult>> Configuration(IGrainFactory grains, string identity) =>
        !NodeIdentity.IsValid(identity) ? Problems.Malformed(NodeIdentity.Rule)
        : await grains.GetGrain<INodeGrain>(identity).ViewConfiguration() is { } view ? TypedResults.Ok(view)
        : Problems.UnknownNode(identity);

    private static async Task<Results<Accepted<DecommissionOutcome>, ProblemHttpResult>> Decommission(
        IGrainFactory grains, string identity, [FromBody] ReasonBody body)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return Problems.Malformed(NodeIdentity.Rule);
        }

        if (!GivenReason.TryRead(body.Reason, out var reason))
        {
            return Problems.Malformed(GivenReason.Rule);
        }

        var outcome = await grains.GetGrain<INodeGrain>(identity).Decommission(new DecommissionRequest(reason));
        return outcome is null ? Problems.UnknownNode(identity) : TypedResults.Accepted($"/v1/nodes/{identity}", outcome);
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> Reprovision(
        IGrainFactory grains, string identity, [FromBody] ReasonBody body, CancellationToken cancellationToken)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return Problems.Malformed(NodeIdentity.Rule);
        }

        if (!GivenReason.TryRead(body.Reason, out var reason))
        {
            return Problems.Malformed(GivenReason.Rule);
        }

        var request = new ReprovisionRequest(reason);
        return await grains.GetGrain<INodeGrain>(identity).Reprovision(request, cancellationToken) switch
        {
            ReprovisionOutcome.Accepted => TypedResults.Accepted($"/v1/nodes/{identity}"),
            ReprovisionOutcome.UnderWay underWay => Problems.EnrolmentUnderWay(underWay.Stage),
            ReprovisionOutcome.UnknownNode => Problems.UnknownNode(identity),
            ReprovisionOutcome.NodeUnwilling unwilling => Problems.NodeUnwilling(unwilling.Detail),
            _ => throw new UnreachableException(),
        };
    }
}

/// <param name="Nodes">The page, in order of identity.</param>
/// <param name="NextCursor">What to ask for the next page with; null on the last one.</param>
/// <param name="Matched">How many nodes match in all, when they were searched for by more than their stage.</param>
/// <param name="IsComplete">False while the index still reads what was known before its silo started: nodes may be missing.</param>
internal sealed record NodePage(IReadOnlyList<RosterEntry> Nodes, string? NextCursor, int? Matched = null, bool IsComplete = true);

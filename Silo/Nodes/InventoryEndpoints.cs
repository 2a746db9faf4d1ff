using System.ComponentModel;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ControlPlane.Nodes;

/// <summary>What nodes say of themselves, one by one and counted.</summary>
internal static class InventoryEndpoints
{
    private const int ValuesDefault = 100;
    private const int ValuesMax = 1000;

    public static void MapInventory(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/nodes/{identity}/inventory", Show).WithName("GetNodeInventory").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("What a node said of itself last: facts, classes, agents, version.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapGet("/facts/{name}:count", Count).WithName("CountFact").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("How many nodes have which value of a fact.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<Results<Ok<InventoryDocument>, ProblemHttpResult>> Show(IGrainFactory grains, string identity)
    {
        if (!NodeIdentity.IsValid(identity))
        {
            return Problems.Malformed(NodeIdentity.Rule);
        }

        var found = await grains.GetSliceOf(identity).FindInventory(identity);
        return found is null
            ? Problems.Unknown("inventory", $"the node '{identity}' has said nothing of itself")
            : TypedResults.Ok(InventoryDocument.Of(found));
    }

    private static async Task<Results<Ok<FactCounts>, ProblemHttpResult>> Count(
        IGrainFactory grains,
        [Description("The path of the fact, e.g. os.release.major.")] string name,
        [AsParameters] NodeQueryParameters parameters,
        [Description("Values in the answer, 1 to 1000; what is rarer is counted together.")] int limit = ValuesDefault)
    {
        if (limit is < 1 or > ValuesMax)
        {
            return Problems.Malformed($"limit must be 1 to {ValuesMax}, is {limit}");
        }

        if (parameters.FaultOrNull(out var query) is { } fault)
        {
            return Problems.Malformed(fault);
        }

        try
        {
            return TypedResults.Ok(await IndexPages.CountAsync(grains, query, name, limit));
        }
        catch (QueryRefusedException unclear)
        {
            return Problems.Malformed(unclear.Message);
        }
    }
}

/// <summary>A node's inventory as the API gives it.</summary>
internal sealed record InventoryDocument(
    string Identity,
    InventorySource Source,
    DateTimeOffset At,
    JsonElement Facts,
    IReadOnlyList<string> Classes,
    IReadOnlyList<string> Agents,
    IReadOnlyList<string> Collectives,
    string? Version,
    string? MachineId,
    string Digest,
    int Dropped)
{
    public static InventoryDocument Of(NodeInventory inventory)
    {
        using var facts = JsonDocument.Parse(inventory.FactsJson);
        return new InventoryDocument(
            inventory.Identity,
            inventory.Source,
            inventory.At,
            facts.RootElement.Clone(),
            inventory.Classes,
            inventory.Agents,
            inventory.Collectives,
            inventory.Version,
            inventory.MachineId,
            inventory.Digest,
            inventory.Dropped);
    }
}

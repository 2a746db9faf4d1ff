using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Jobs;

/// <summary>What agents take and answer, as their DDLs say.</summary>
internal static class AgentEndpoints
{
    public static void MapAgents(this IEndpointRouteBuilder v1) =>
        v1.MapGet("/agents/{agent}", ShowAsync).WithName("GetAgent").WithTags("jobs").Requires(Permissions.JobsRead)
            .WithSummary("The actions of an agent, what each takes and what it answers.")
            .ProducesProblem(StatusCodes.Status404NotFound);

    private static async Task<Results<Ok<AgentView>, ProblemHttpResult>> ShowAsync(
        [FromServices] IAgentDdls ddls, string agent, CancellationToken cancellationToken) =>
        await ddls.FindAsync(agent, cancellationToken) is { } ddl
            ? TypedResults.Ok(AgentView.Of(ddl))
            : Problems.Unknown("agent", $"there is no DDL of the agent '{agent}'");
}

/// <param name="Name">As requests name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="Version">Of the agent.</param>
/// <param name="IsService">Whether one of many instances answers.</param>
/// <param name="Actions">By name.</param>
internal sealed record AgentView(
    string Name, string Description, string Version, bool IsService, IReadOnlyDictionary<string, ActionView> Actions)
{
    public static AgentView Of(AgentDdl ddl) => new(
        ddl.Name, ddl.Description, ddl.Version, ddl.IsService,
        ddl.Actions.ToDictionary(action => action.Key, action => ActionView.Of(action.Value), StringComparer.Ordinal));
}

/// <param name="Description">In a sentence.</param>
/// <param name="Display">Which replies are worth showing.</param>
/// <param name="Inputs">What it takes.</param>
/// <param name="Outputs">What it answers, in the DDL's order.</param>
/// <param name="Aggregates">How its replies are summed up.</param>
internal sealed record ActionView(
    string Description,
    DdlDisplay Display,
    IReadOnlyList<InputView> Inputs,
    IReadOnlyList<DdlOutput> Outputs,
    IReadOnlyList<DdlAggregate> Aggregates)
{
    public static ActionView Of(DdlAction action) => new(
        action.Description,
        action.Display,
        [.. action.Inputs.Values.Select(input => new InputView(
            input.Name, input.Description, input.Type, input.IsOptional, input.Default, input.LengthMax, input.Validation, input.Choices))],
        action.Outputs,
        action.Aggregates);

    /// <summary>As what sums up replies wants it.</summary>
    public DdlAction ToAction(string name) =>
        new(name, Description, Display, new Dictionary<string, DdlInput>(StringComparer.Ordinal), Outputs, Aggregates);
}

/// <param name="Name">As requests name it.</param>
/// <param name="Description">In a sentence.</param>
/// <param name="Type">What it holds.</param>
/// <param name="IsOptional">Whether a request may leave it out.</param>
/// <param name="Default">What is sent when it is left out; null for nothing.</param>
/// <param name="LengthMax">The most bytes that a text may have; 0 when there is no limit.</param>
/// <param name="Validation">A regular expression or the name of a check; empty when there is none.</param>
/// <param name="Choices">What a choice chooses from.</param>
internal sealed record InputView(
    string Name,
    string Description,
    DdlType Type,
    bool IsOptional,
    JsonNode? Default,
    int LengthMax,
    string Validation,
    IReadOnlyList<string> Choices);

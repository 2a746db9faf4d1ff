using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Checks a job's actions by the DDLs of their agents, before anything is sent.</summary>
internal sealed class JobActions(IAgentDdls ddls)
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>
    /// The action, and the one that says how it stands, with the DDLs' defaults filled in; all that is wrong with it when it cannot be
    /// taken.
    /// </summary>
    public async Task<(JobAction Action, IReadOnlyList<string> Faults)> CheckAsync(JobAction action, CancellationToken cancellationToken)
    {
        // Also where a folder has a DDL of that name: what our own grains can do, only they know.
        if (OwnAgent.FaultOrNull(action) is { } fault)
        {
            return (action, [fault]);
        }

        var (inputs, faults) = await CheckAsync("action", action.Agent, action.Name, action.InputsJson, cancellationToken);
        action = action with { InputsJson = inputs };
        if (action.Status is not { } status)
        {
            return (action, faults);
        }

        var (asked, wrong) = await CheckAsync("action.status", status.Agent, status.Name, status.InputsJson, cancellationToken);
        return (action with { Status = status with { InputsJson = asked } }, [.. faults, .. wrong]);
    }

    private async Task<(string InputsJson, IReadOnlyList<string> Faults)> CheckAsync(
        string at, string agent, string name, string inputsJson, CancellationToken cancellationToken)
    {
        if (ObjectOrNull(inputsJson) is not { } inputs)
        {
            return (inputsJson, [$"{at}.inputs must be one JSON object"]);
        }

        if (await ddls.FindAsync(agent, cancellationToken) is not { } ddl)
        {
            return (inputsJson,
            [
                $"{at}.agent: there is no DDL of the agent '{agent}', so its inputs cannot be checked; put {agent}.json into "
                + "the folder of Jobs:Ddl:Folder, or set Jobs:Ddl:UseRegistry",
            ]);
        }

        var check = DdlInputs.Read(ddl, name, inputs);
        return check.Inputs is { } completed
            ? (completed.ToJsonString(), [])
            : (inputsJson, [.. check.Faults.Select(fault => $"{at}: {fault}")]);
    }

    private static JsonObject? ObjectOrNull(string json)
    {
        try
        {
            return JsonNode.Parse(json, documentOptions: Strict) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Checks a job's action by the DDL of its agent, before anything is sent.</summary>
internal sealed class JobActions(IAgentDdls ddls)
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>The action with the DDL's defaults filled in; all that is wrong with it when it cannot be taken.</summary>
    public async Task<(JobAction Action, IReadOnlyList<string> Faults)> CheckAsync(JobAction action, CancellationToken cancellationToken)
    {
        if (ObjectOrNull(action.InputsJson) is not { } inputs)
        {
            return (action, ["action.inputs must be one JSON object"]);
        }

        if (await ddls.FindAsync(action.Agent, cancellationToken) is not { } ddl)
        {
            return (action,
            [
                $"action.agent: there is no DDL of the agent '{action.Agent}', so its inputs cannot be checked; put {action.Agent}.json into "
                + "the folder of Jobs:Ddl:Folder, or set Jobs:Ddl:UseRegistry",
            ]);
        }

        // Also where a folder has a DDL of that name: what our own grains can do, only they know.
        if (OwnAgent.Runs(action) && OwnAgent.FaultOrNull(action) is { } fault)
        {
            return (action, [fault]);
        }

        var check = DdlInputs.Read(ddl, action.Name, inputs);
        return check.Inputs is { } completed
            ? (action with { InputsJson = completed.ToJsonString() }, [])
            : (action, [.. check.Faults.Select(fault => $"action: {fault}")]);
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

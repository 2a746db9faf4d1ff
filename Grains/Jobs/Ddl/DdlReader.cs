using System.Text.Json;

namespace ControlPlane.Jobs;

/// <param name="Ddl">What was read; null when there are faults.</param>
/// <param name="Faults">What is wrong with it: each names the field.</param>
public sealed record DdlRead(AgentDdl? Ddl, IReadOnlyList<string> Faults);

/// <summary>Reads Choria's JSON DDLs of agents. Pure; never throws for what a text may hold.</summary>
public static class DdlReader
{
    /// <summary>The largest DDL that is read; real ones have some ten thousand bytes.</summary>
    public const int BytesMax = 1 << 20;

    private const int ActionsMax = 200;
    private const int DepthMax = 32;
    private static readonly TimeSpan TimeoutUsual = TimeSpan.FromSeconds(10);

    public static DdlRead Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length > BytesMax)
        {
            return new DdlRead(null, [$"has {json.Length} bytes, at most {BytesMax} are read"]);
        }

        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DepthMax });
            var fields = new DdlFields();
            var ddl = Agent(document.RootElement, fields);
            return fields.Faults.Count == 0 ? new DdlRead(ddl, []) : new DdlRead(null, fields.Faults);
        }
        catch (JsonException unreadable)
        {
            return new DdlRead(null, [$"is not JSON: {unreadable.Message}"]);
        }
    }

    private static AgentDdl Agent(JsonElement root, DdlFields fields)
    {
        var metadata = fields.Object(root, "metadata", "", isNeeded: true);
        var name = fields.Text(metadata, "name", "metadata.", isNeeded: true);
        var timeout = fields.Number(metadata, "timeout", "metadata.") is > 0 and <= 86_400 and var seconds
            ? TimeSpan.FromSeconds(seconds)
            : TimeoutUsual;
        var actions = new Dictionary<string, DdlAction>(StringComparer.Ordinal);
        foreach (var (action, index) in fields.List(root, "actions", "", ActionsMax).Select((action, index) => (action, index)))
        {
            var read = Action(action, $"actions[{index}].", fields);
            if (!actions.TryAdd(read.Name, read))
            {
                fields.Fault($"actions[{index}].action", $"'{read.Name}' is there twice");
            }
        }

        return new AgentDdl(
            name,
            fields.Text(metadata, "description", "metadata."),
            fields.Text(metadata, "version", "metadata."),
            timeout,
            fields.Flag(metadata, "service", "metadata."),
            actions);
    }

    private static DdlAction Action(JsonElement action, string path, DdlFields fields)
    {
        var inputs = fields.Members(action, "input", path)
            .Select(input => DdlItems.Input(input.Name, input.Value, $"{path}input.{input.Name}.", fields)).ToList();
        var outputs = fields.Members(action, "output", path)
            .Select(output => DdlItems.Output(output.Name, output.Value, $"{path}output.{output.Name}.", fields)).ToList();
        var aggregates = fields.List(action, "aggregate", path, ActionsMax)
            .Select((one, index) => DdlItems.Aggregate(one, $"{path}aggregate[{index}].", outputs, fields)).OfType<DdlAggregate>().ToList();
        return new DdlAction(
            fields.Text(action, "action", path, isNeeded: true),
            fields.Text(action, "description", path),
            Display(fields.Text(action, "display", path), path, fields),
            inputs.ToDictionary(input => input.Name, StringComparer.Ordinal),
            outputs,
            aggregates);
    }

    private static DdlDisplay Display(string text, string path, DdlFields fields)
    {
        switch (text)
        {
            case "" or "failed":
                return DdlDisplay.Failed;
            case "ok":
                return DdlDisplay.Ok;
            case "always" or "flatten":
                return DdlDisplay.Always;
            default:
                fields.Fault(path + "display", $"is '{text}'; it must be ok, failed or always");
                return DdlDisplay.Failed;
        }
    }
}

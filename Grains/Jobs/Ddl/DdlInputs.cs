using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlPlane.Jobs;

/// <param name="Inputs">The inputs with the DDL's defaults filled in; null when there are faults.</param>
/// <param name="Faults">All that is wrong: each names the input, the problem and the remedy.</param>
public sealed record DdlInputsCheck(JsonObject? Inputs, IReadOnlyList<string> Faults);

/// <summary>Checks the inputs of an action by its agent's DDL before anything is sent, as Choria's own clients do. Pure.</summary>
/// <remarks>Nodes do not: agents that are written in Go look at no DDL.</remarks>
public static class DdlInputs
{
    // What Ruby clients add to every request; agents overlook it.
    private const string ProcessResults = "process_results";

    private static readonly string[] ShellSpecials = ["`", "$", ";", "|", "&&", ">", "<"];

    /// <summary>Checks inputs of the right JSON types, and fills in defaults.</summary>
    public static DdlInputsCheck Check(AgentDdl ddl, string action, JsonObject inputs)
    {
        ArgumentNullException.ThrowIfNull(ddl);
        ArgumentNullException.ThrowIfNull(inputs);
        if (!ddl.Actions.TryGetValue(action, out var described))
        {
            return new DdlInputsCheck(null, [NoAction(ddl, action)]);
        }

        var faults = new List<string>();
        var completed = new JsonObject();
        foreach (var (name, value) in inputs)
        {
            if (!described.Inputs.TryGetValue(name, out var input))
            {
                if (name != ProcessResults)
                {
                    faults.Add(NoInput(described, name));
                }
            }
            else if (Fault(input, value) is { } fault)
            {
                faults.Add($"input '{name}' {fault}");
            }

            completed[name] = value?.DeepClone();
        }

        foreach (var input in described.Inputs.Values.Where(input => !inputs.ContainsKey(input.Name)))
        {
            if (input.Default is { } usual)
            {
                completed[input.Name] = usual.DeepClone();
            }
            else if (!input.IsOptional)
            {
                faults.Add($"input '{input.Name}' is missing: give {Taken(input)}");
            }
        }

        return faults.Count == 0 ? new DdlInputsCheck(completed, []) : new DdlInputsCheck(null, faults);
    }

    /// <summary>
    /// The same for inputs of which some are texts, as a command line has them: each becomes what the DDL says that it is.
    /// </summary>
    public static DdlInputsCheck Read(AgentDdl ddl, string action, JsonObject inputs)
    {
        ArgumentNullException.ThrowIfNull(ddl);
        ArgumentNullException.ThrowIfNull(inputs);
        var read = new JsonObject();
        foreach (var (name, value) in inputs)
        {
            var isText = value?.GetValueKind() == JsonValueKind.String;
            read[name] = isText && ddl.Actions.GetValueOrDefault(action)?.Inputs.GetValueOrDefault(name) is { } input
                ? Convert(input, value!.GetValue<string>()) ?? value.DeepClone()
                : value?.DeepClone();
        }

        return Check(ddl, action, read);
    }

    /// <summary>What is wrong with a value of an input, to be read behind its name; null when nothing is.</summary>
    internal static string? Fault(DdlInput input, JsonNode? value)
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        var fits = input.Type switch
        {
            DdlType.Text or DdlType.Choice => kind == JsonValueKind.String,
            DdlType.Integer => kind == JsonValueKind.Number && IsWhole(value!),
            DdlType.Number => kind == JsonValueKind.Number,
            DdlType.Boolean => kind is JsonValueKind.True or JsonValueKind.False,
            DdlType.Object => kind == JsonValueKind.Object,
            DdlType.Array => kind == JsonValueKind.Array,
            _ => true,
        };
        if (!fits)
        {
            return $"is {Shown(value)}: give {Taken(input)}";
        }

        return input.Type switch
        {
            DdlType.Text => TextFault(input, value!.GetValue<string>()),
            DdlType.Choice when !input.Choices.Contains(value!.GetValue<string>()) => $"is {Shown(value)}: give {Taken(input)}",
            _ => null,
        };
    }

    private static string? TextFault(DdlInput input, string text)
    {
        // Choria counts bytes.
        if (input.LengthMax > 0 && Encoding.UTF8.GetByteCount(text) is var bytes && bytes > input.LengthMax)
        {
            return $"has {bytes} bytes: give at most {input.LengthMax}";
        }

        return input.Validation switch
        {
            "" => null,
            "shellsafe" => ShellSpecials.FirstOrDefault(text.Contains) is { } special
                ? $"holds '{special}': give a text without {string.Join(' ', ShellSpecials)}"
                : null,
            "ipv4address" => IsAddress(text, AddressFamily.InterNetwork) ? null : $"is '{Cut(text)}': give an IPv4 address",
            "ipv6address" => IsAddress(text, AddressFamily.InterNetworkV6) ? null : $"is '{Cut(text)}': give an IPv6 address",
            "ipaddress" => IPAddress.TryParse(text, out _) ? null : $"is '{Cut(text)}': give an IP address",

            // Checks that are known to others only are left to them, as Choria does.
            _ => input.Pattern is { } pattern && !pattern.IsMatch(text)
                ? $"is '{Cut(text)}': give a text that matches {input.Validation}"
                : null,
        };
    }

    private static bool IsAddress(string text, AddressFamily family) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == family;

    // Choria takes 4.0 for a whole number too.
    private static bool IsWhole(JsonNode value) => NumberOf(value.ToJsonString()) is { } number && Math.Floor(number) == number;

    private static double? NumberOf(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static JsonNode? Convert(DdlInput input, string text)
    {
        switch (input.Type)
        {
            case DdlType.Integer:
                return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? JsonValue.Create(whole)
                    : null;
            case DdlType.Number:
                return NumberOf(text) is { } number ? JsonValue.Create(number) : null;
            case DdlType.Boolean:
                return text switch
                {
                    "1" or "t" or "T" or "TRUE" or "true" or "True" => JsonValue.Create(true),
                    "0" or "f" or "F" or "FALSE" or "false" or "False" => JsonValue.Create(false),
                    _ => null,
                };
            case DdlType.Object:
                return Parsed(text) as JsonObject;
            case DdlType.Array:
                return Parsed(text) as JsonArray;
            default:
                return JsonValue.Create(text);
        }
    }

    private static JsonNode? Parsed(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string NoAction(AgentDdl ddl, string action) =>
        $"agent {ddl.Name} has no action '{action}': give one of {string.Join(", ", ddl.Actions.Keys.Order(StringComparer.Ordinal))}";

    private static string NoInput(DdlAction action, string name) => action.Inputs.Count == 0
        ? $"input '{name}' is not one of {action.Name}: it takes none"
        : $"input '{name}' is not one of {action.Name}: give {string.Join(", ", action.Inputs.Keys.Order(StringComparer.Ordinal))}";

    private static string Taken(DdlInput input) => input.Type switch
    {
        DdlType.Integer => "a whole number",
        DdlType.Number => "a number",
        DdlType.Boolean => "true or false",
        DdlType.Choice => $"one of {string.Join(", ", input.Choices)}",
        DdlType.Object => "a JSON object",
        DdlType.Array => "a JSON list",
        _ => "a text",
    };

    private static string Shown(JsonNode? value) => value is null ? "null" : $"'{Cut(value.ToJsonString().Trim('"'))}'";

    private static string Cut(string text) => text.Length <= 40 ? text : text[..40] + "…";
}

using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ControlPlane.Jobs;

/// <summary>Reads inputs, outputs and aggregates of an action.</summary>
internal static class DdlItems
{
    private const int ChoicesMax = 1000;
    private const int PatternCharsMax = 1024;

    public static DdlInput Input(string name, JsonElement input, string path, DdlFields fields)
    {
        var type = Type(input, path, fields, isNeeded: true);
        var choices = fields.List(input, "list", path, ChoicesMax)
            .Select(choice => choice.ValueKind == JsonValueKind.String ? choice.GetString()! : choice.GetRawText()).ToList();
        if (type == DdlType.Choice && choices.Count == 0)
        {
            fields.Fault(path + "list", "is needed: an input of type list chooses from it");
        }

        var validation = fields.Text(input, "validation", path);
        var read = new DdlInput(
            name, fields.Text(input, "description", path), type, fields.Flag(input, "optional", path), Default(input))
        {
            LengthMax = (int)Math.Clamp(fields.Number(input, "maxlength", path) ?? 0, 0, int.MaxValue),
            Validation = validation,
            Pattern = Pattern(validation, path, fields),
            Choices = choices,
        };
        if (read.Default is { } usual && DdlInputs.Fault(read, usual) is { } fault)
        {
            fields.Fault(path + "default", $"is not what the input takes: it {fault}");
        }

        return read;
    }

    public static DdlOutput Output(string name, JsonElement output, string path, DdlFields fields)
    {
        var displayAs = fields.Text(output, "display_as", path);
        return new DdlOutput(
            name,
            fields.Text(output, "description", path),
            displayAs.Length > 0 ? displayAs : name,
            Type(output, path, fields, isNeeded: false),
            Default(output));
    }

    public static DdlAggregate? Aggregate(JsonElement aggregate, string path, IReadOnlyList<DdlOutput> outputs, DdlFields fields)
    {
        var function = fields.Text(aggregate, "function", path, isNeeded: true);
        var arguments = fields.List(aggregate, "args", path, ChoicesMax);
        if (arguments is not [{ ValueKind: JsonValueKind.String } first, ..])
        {
            fields.Fault(path + "args", "must begin with the name of an output");
            return null;
        }

        if (!outputs.Any(output => output.Name == first.GetString()))
        {
            fields.Fault(path + "args", $"names '{first.GetString()}', which is no output of the action");
            return null;
        }

        var format = arguments is [_, { ValueKind: JsonValueKind.Object } how, ..] ? fields.Text(how, "format", path + "args[1].") : "";
        return new DdlAggregate(function, first.GetString()!, format);
    }

    private static DdlType Type(JsonElement item, string path, DdlFields fields, bool isNeeded)
    {
        var text = fields.Text(item, "type", path, isNeeded);
        switch (text.ToUpperInvariant())
        {
            case "STRING":
                return DdlType.Text;
            case "INTEGER" or "INT":
                return DdlType.Integer;
            case "NUMBER" or "FLOAT":
                return DdlType.Number;
            case "BOOLEAN":
                return DdlType.Boolean;
            case "LIST":
                return DdlType.Choice;
            case "HASH":
                return DdlType.Object;
            case "ARRAY":
                return DdlType.Array;
            case "":
                return DdlType.Any;
            default:
                // What an output holds is shown as it came, whatever its DDL calls it.
                if (isNeeded)
                {
                    fields.Fault(
                        path + "type", $"is '{text}'; it must be string, integer, number, float, boolean, list, hash or array");
                }

                return DdlType.Any;
        }
    }

    private static JsonNode? Default(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("default", out var usual) && usual.ValueKind != JsonValueKind.Null
            ? JsonNode.Parse(usual.GetRawText())
            : null;

    // A name of small letters is a check of Choria's, known here or not; everything else is a pattern, as Choria tells them apart.
    private static Regex? Pattern(string validation, string path, DdlFields fields)
    {
        if (validation.Length == 0 || char.IsAsciiLetterLower(validation[0]))
        {
            return null;
        }

        try
        {
            if (validation.Length <= PatternCharsMax)
            {
                return new Regex(validation, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            }

            fields.Fault(path + "validation", $"has {validation.Length} characters, at most {PatternCharsMax} are taken");
        }
        catch (Exception unusable) when (unusable is ArgumentException or NotSupportedException)
        {
            fields.Fault(path + "validation", $"is not a regular expression that can be used: {unusable.Message}");
        }

        return null;
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Jobs;

/// <summary>Reads a job that is written down, as YAML or JSON, into the body that the API takes.</summary>
internal static class JobFile
{
    private static readonly YamlBounds Bounds =
        new(LengthMax: JobEndpoints.BodyBytesMax, DepthMax: 32, PartsMax: 250_000, TakesAnchors: true);

    /// <exception cref="IOException">It cannot be read, or is neither; the message says where.</exception>
    public static async Task<JsonObject> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(path, cancellationToken);
        var (job, fault) = Read(text);
        return job ?? throw new IOException($"{path}:{fault!.Line}:{fault.Column}: {fault.Message}");
    }

    /// <returns>The body, or what is wrong with the text.</returns>
    public static (JsonObject? Job, YamlFault? Fault) Read(string text)
    {
        var (root, fault) = BoundedYaml.Read(text, Bounds);
        if (root is null)
        {
            return (null, fault ?? new YamlFault(1, 1, "is empty"));
        }

        try
        {
            return (ObjectOf(root), null);
        }
        catch (YamlException unfit)
        {
            return (null, new YamlFault((int)unfit.Start.Line, (int)unfit.Start.Column, unfit.Message));
        }
    }

    private static JsonNode? Of(YamlNode node) => node switch
    {
        YamlMappingNode mapping => ObjectOf(mapping),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(Of)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => PlainOf(plain.Value ?? ""),
        YamlScalarNode quoted => JsonValue.Create(quoted.Value ?? ""),
        _ => throw new YamlException(node.Start, node.End, "is neither a mapping, a list nor a value"),
    };

    private static JsonObject ObjectOf(YamlMappingNode mapping)
    {
        var made = new JsonObject();
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name })
            {
                throw new YamlException(key.Start, key.End, "must be a name");
            }

            made[name] = Of(value);
        }

        return made;
    }

    // YAML 1.2's core schema, as far as JSON has it: what is quoted is always a text, and so are times of day.
    private static JsonValue? PlainOf(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) && !HasLeadingZero(text) =>
            JsonValue.Create(whole),
        _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            && !HasLeadingZero(text) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };

    // An id such as 007 is a name, and not the number 7.
    private static bool HasLeadingZero(string text)
    {
        var digits = text.TrimStart('-', '+');
        return digits.Length > 1 && digits[0] == '0' && digits[1] != '.';
    }
}

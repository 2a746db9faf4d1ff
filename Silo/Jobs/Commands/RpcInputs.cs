using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Inputs as a command line has them: <c>key=value</c> is a text, <c>key:=value</c> is JSON. Pure.</summary>
internal static class RpcInputs
{
    /// <summary>The inputs; what is wrong with them, when something is.</summary>
    public static string? FaultOrNull(IReadOnlyList<string> words, out JsonElement inputs)
    {
        var made = new JsonObject();
        inputs = default;
        foreach (var word in words)
        {
            var at = word.IndexOf('=', StringComparison.Ordinal);
            var isJson = at > 1 && word[at - 1] == ':';
            var name = at < 1 ? "" : word[..(isJson ? at - 1 : at)];
            if (name.Length == 0)
            {
                return $"'{word}' is no input: write key=value, or key:=JSON for a number, true, false, a list or an object";
            }

            if (made.ContainsKey(name))
            {
                return $"the input '{name}' is given twice";
            }

            if (!TryRead(word[(at + 1)..], isJson, out var value))
            {
                return $"'{word}' is not JSON after ':='";
            }

            made[name] = value;
        }

        inputs = JsonSerializer.SerializeToElement(made);
        return null;
    }

    private static bool TryRead(string text, bool isJson, out JsonNode? value)
    {
        value = null;
        try
        {
            value = isJson ? JsonNode.Parse(text) : JsonValue.Create(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

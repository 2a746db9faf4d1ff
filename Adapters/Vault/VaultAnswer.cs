using System.Net;
using System.Text.Json;

namespace ControlPlane.Adapters.Vault;

/// <summary>What Vault, or what stands before it, answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The answer's JSON object; undefined when it is none.</param>
/// <param name="Raw">The answer as it came.</param>
/// <param name="Errors">Why it did not succeed, joined and shortened.</param>
/// <param name="RetryAfter">How long the answer asks us to wait; many Vaults do not say.</param>
internal sealed record VaultAnswer(HttpStatusCode Status, JsonElement Body, byte[] Raw, string Errors, TimeSpan? RetryAfter)
{
    private const int ErrorCharactersMax = 300;

    /// <summary>200 or 204; Vault uses either where it documents the other.</summary>
    public bool Succeeded => Status is HttpStatusCode.OK or HttpStatusCode.NoContent;

    /// <summary>The envelope's <c>data</c>.</summary>
    /// <exception cref="JsonException">There is none.</exception>
    public JsonElement Data => Member("data");

    /// <summary>The envelope's <c>auth</c>.</summary>
    /// <exception cref="JsonException">There is none.</exception>
    public JsonElement Auth => Member("auth");

    /// <summary>Whether the answer warns of something with this text in it.</summary>
    public bool Warns(string text) =>
        Body.ValueKind == JsonValueKind.Object
        && Body.TryGetProperty("warnings", out var warnings)
        && warnings.ValueKind == JsonValueKind.Array
        && warnings.EnumerateArray().Any(warning => warning.GetString()?.Contains(text, StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>Reads an answer; what a proxy says may be no JSON.</summary>
    public static VaultAnswer Read(HttpStatusCode status, byte[] raw, TimeSpan? retryAfter)
    {
        try
        {
            using var document = JsonDocument.Parse(raw);
            var body = document.RootElement.Clone();
            return new VaultAnswer(status, body, raw, ErrorsOf(body), retryAfter);
        }
        catch (JsonException)
        {
            return new VaultAnswer(status, default, raw, "", retryAfter);
        }
    }

    /// <summary>For messages: status and errors.</summary>
    public override string ToString() => $"{(int)Status} {Errors}".TrimEnd();

    private JsonElement Member(string name) =>
        Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Object
            ? member
            : throw new JsonException($"the answer has no '{name}'");

    private static string ErrorsOf(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object
            || !body.TryGetProperty("errors", out var errors)
            || errors.ValueKind != JsonValueKind.Array)
        {
            return "";
        }

        var text = string.Join("; ", errors.EnumerateArray().Select(error => error.ToString().Trim()));
        return text.Length <= ErrorCharactersMax ? text : text[..ErrorCharactersMax];
    }
}

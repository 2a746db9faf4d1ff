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

    /// <summary>What it warns of, joined and shortened: it does so where it succeeds and did not do what was asked.</summary>
    public string Warnings => TextsOf(Body, "warnings");

    /// <summary>Whether it says that a certificate is revoked: when, for one that was revoked before that time.</summary>
    public bool SaysRevoked =>
        Succeeded
        && Body.ValueKind == JsonValueKind.Object
        && Body.TryGetProperty("data", out var data)
        && data.ValueKind == JsonValueKind.Object
        && data.TryGetProperty("revocation_time", out var at)
        && at.ValueKind == JsonValueKind.Number
        && at.TryGetInt64(out var seconds)
        && seconds > 0;

    /// <summary>The server's clock, which <c>sys/health</c> tells; null elsewhere.</summary>
    public DateTimeOffset? ServerTime =>
        Body.ValueKind == JsonValueKind.Object
        && Body.TryGetProperty("server_time_utc", out var seconds)
        && seconds.ValueKind == JsonValueKind.Number
        && seconds.TryGetInt64(out var unix)
        && unix > 0
        && unix < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(unix)
            : null;

    /// <summary>Reads an answer; what a proxy says may be no JSON.</summary>
    public static VaultAnswer Read(HttpStatusCode status, byte[] raw, TimeSpan? retryAfter)
    {
        try
        {
            using var document = JsonDocument.Parse(raw);
            var body = document.RootElement.Clone();
            return new VaultAnswer(status, body, raw, TextsOf(body, "errors"), retryAfter);
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

    private static string TextsOf(JsonElement body, string name)
    {
        if (body.ValueKind != JsonValueKind.Object
            || !body.TryGetProperty(name, out var texts)
            || texts.ValueKind != JsonValueKind.Array)
        {
            return "";
        }

        var text = string.Join("; ", texts.EnumerateArray().Select(one => one.ToString().Trim()));
        return text.Length <= ErrorCharactersMax ? text : text[..ErrorCharactersMax];
    }
}

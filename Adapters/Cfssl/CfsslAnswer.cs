using System.Net;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>What cfssl, or what stands before it, answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Result">What was asked for; null unless it succeeded.</param>
/// <param name="Code">cfssl's own error code; 0 when there is none.</param>
/// <param name="Message">Why it did not succeed, shortened.</param>
/// <param name="RetryAfter">How long the answer asks us to wait.</param>
internal sealed record CfsslAnswer(HttpStatusCode Status, JsonElement? Result, int Code, string Message, TimeSpan? RetryAfter)
{
    private const int MessageCharactersMax = 300;

    /// <summary>Reads an answer by its content: cfssl says <c>text/plain</c> of its JSON errors.</summary>
    /// <exception cref="JsonException">It says success and is not an answer of cfssl.</exception>
    public static CfsslAnswer Read(HttpStatusCode status, ReadOnlyMemory<byte> body, TimeSpan? retryAfter)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.GetProperty("success").GetBoolean() && status == HttpStatusCode.OK)
            {
                return new CfsslAnswer(status, root.GetProperty("result").Clone(), 0, "", retryAfter);
            }

            var error =
                root.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array && errors.GetArrayLength() > 0
                ? errors[0]
                : default;
            return error.ValueKind == JsonValueKind.Object
                ? new CfsslAnswer(
                    status, null, error.GetProperty("code").GetInt32(), Shorten(error.GetProperty("message").GetString()), retryAfter)
                : new CfsslAnswer(status, null, 0, "no reason given", retryAfter);
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return status == HttpStatusCode.OK
                ? throw new JsonException("cfssl's answer cannot be read", foreign)
                : new CfsslAnswer(status, null, 0, Shorten(Encoding.UTF8.GetString(body.Span)), retryAfter);
        }
    }

    /// <summary>For messages: status, code and text.</summary>
    public override string ToString() => $"{(int)Status} (code {Code}) {Message}";

    private static string Shorten(string? text) =>
        text is null ? "" : text.Length <= MessageCharactersMax ? text.Trim() : text[..MessageCharactersMax];
}

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace ControlPlane.Access;

/// <summary>A JSON Web Token as strictly as it can be read, unverified: which issuer is to verify it, and by what key.</summary>
/// <remarks>
/// What two readers could understand differently is refused before any of them sees it: names that come twice, white space or padding in
/// the encoding, bits that are left over. So what this reads is what the library verifies.
/// </remarks>
/// <param name="Text">The whole token.</param>
/// <param name="Header">The header's members.</param>
/// <param name="Claims">The claims.</param>
internal sealed record JsonWebTokenText(string Text, JsonElement Header, JsonElement Claims)
{
    /// <summary>Real ones are 1,000 to 3,000 characters; those with many groups several times that.</summary>
    public const int LengthMax = 16 * 1024;

    private const int Parts = 3;

    // The first second that a DateTimeOffset cannot hold.
    private const long SecondsEnd = 253_402_300_800;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public string? Issuer => TextOf(Claims, "iss");

    public string? KeyId => TextOf(Header, "kid");

    public DateTimeOffset? ExpiresAt => TimeOf(Claims, "exp");

    /// <summary>The claim of Choria's tokens that says what they are for.</summary>
    public string? Purpose => TextOf(Claims, "purpose");

    /// <summary>Whether a bearer token means to be one: three parts, of which the first begins like a JSON object in base64url.</summary>
    public static bool Resembles(string token) =>
        token.StartsWith("ey", StringComparison.Ordinal) && token.Count(c => c == '.') == Parts - 1;

    /// <summary>Reads a token; says what is wrong with it, never what is in it.</summary>
    public static bool TryRead(string token, [NotNullWhen(true)] out JsonWebTokenText? read, [NotNullWhen(false)] out string? fault)
    {
        (read, fault) = (null, null);
        if (token.Length > LengthMax)
        {
            fault = $"the token is longer than {LengthMax} characters";
            return false;
        }

        var parts = token.Split('.');
        if (parts.Length != Parts || !parts.All(IsCanonical))
        {
            fault = "the token is not three parts in base64url as it is written";
            return false;
        }

        try
        {
            read = new JsonWebTokenText(token, Parse(parts[0]), Parse(parts[1]));
            fault = read.Header.TryGetProperty("crit", out _) ? "the token demands extensions, of which none is understood here" : null;
            return fault is null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or DecoderFallbackException)
        {
            fault = "the token's header or claims are not one JSON object whose names differ";
            return false;
        }
    }

    public static string? TextOf(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static DateTimeOffset? TimeOf(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds)
            && seconds is > 0 and < SecondsEnd
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static JsonElement Parse(string part)
    {
        using var json = JsonDocument.Parse(Utf8.GetString(Base64Url.DecodeFromChars(part)), Strict);
        return json.RootElement.ValueKind == JsonValueKind.Object
            ? json.RootElement.Clone()
            : throw new JsonException("no object");
    }

    private static bool IsCanonical(string part)
    {
        try
        {
            return part.Length > 0 && Base64Url.EncodeToString(Base64Url.DecodeFromChars(part)) == part;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

namespace ControlPlane.Adapters.Choria;

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>Claims are read as strictly as <see cref="ChoriaJson"/>; <see cref="TokenClaims.Fault"/> looks into their lists.</summary>
[JsonSourceGenerationOptions(
    PropertyNameCaseInsensitive = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = ChoriaLimits.JsonDepthMax)]
[JsonSerializable(typeof(TokenHeader))]
[JsonSerializable(typeof(StandardClaims))]
[JsonSerializable(typeof(ProvisioningClaims))]
[JsonSerializable(typeof(ServerClaims))]
[JsonSerializable(typeof(ClientClaims))]
internal sealed partial class TokenJsonContext : JsonSerializerContext;

internal static class TokenJson
{
    public static TokenJsonContext Wire { get; } = new(new JsonSerializerOptions(TokenJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = null,
    });
}

/// <summary>Only the algorithm is looked at, and it must be what the key demands: a token does not choose how it is checked.</summary>
/// <param name="Algorithm">What it says that it is signed by.</param>
/// <param name="Critical">Extensions without which it must not be believed (RFC 7515, 4.1.11). There are none that we understand.</param>
internal sealed record TokenHeader(
    [property: JsonPropertyName("alg")] string Algorithm,
    [property: JsonPropertyName("crit"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] JsonElement Critical = default);

/// <summary>The claims of a token of any purpose, for verifying it before the rest is believed.</summary>
internal sealed record StandardClaims : TokenClaims
{
    [JsonPropertyName("ou")]
    public string? OrganizationUnit { get; init; }

    [JsonIgnore]
    public override string? Organization => OrganizationUnit;

    internal override string OwnPurpose => "";

    internal override string? Fault() => null;
}

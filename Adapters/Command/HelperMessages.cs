using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Command;

/// <summary>What the program reads: the fields of Choria Provisioner's own helper input.</summary>
internal sealed record HelperRequest(
    [property: JsonPropertyName("identity")] string Identity,
    [property: JsonPropertyName("csr")] HelperSigningRequest SigningRequest,
    [property: JsonPropertyName("ed25519_pubkey")] JsonElement? Ed25519PublicKey,
    [property: JsonPropertyName("inventory")] string Inventory,
    [property: JsonPropertyName("jwt")] IReadOnlyDictionary<string, string> Token);

internal sealed record HelperSigningRequest(
    [property: JsonPropertyName("csr")] string Pem,
    [property: JsonPropertyName("public_key")] string PublicKey,
    [property: JsonPropertyName("ssldir")] string SslDirectory);

/// <summary>What the program writes, as far as it concerns certificates.</summary>
internal sealed record HelperAnswer(
    [property: JsonPropertyName("defer")] bool Defer,
    [property: JsonPropertyName("shutdown")] bool Shutdown,
    [property: JsonPropertyName("msg")] string? Message,
    [property: JsonPropertyName("certificate")] string? Certificate,
    [property: JsonPropertyName("ca")] string? Authorities);

[JsonSerializable(typeof(HelperRequest))]
[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class HelperJson : JsonSerializerContext
{
    /// <summary>As Go writes it, for scripts that look at the text: a plus sign stays a plus sign.</summary>
    public static HelperJson Plain { get; } = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

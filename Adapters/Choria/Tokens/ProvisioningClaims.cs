namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>The token that unprovisioned nodes carry, <c>provisioning.jwt</c>: one for many nodes.</summary>
public sealed record ProvisioningClaims : TokenClaims
{
    /// <summary>The shared provisioning secret.</summary>
    [JsonPropertyName("cht")]
    public string Secret { get; init => field = value ?? ""; } = "";

    /// <summary>V1 only: keeps protocol security on while provisioning.</summary>
    [JsonPropertyName("chs")]
    public bool Secure { get; init; }

    /// <summary>Comma separated broker URLs; this or <see cref="ServiceDomain"/>.</summary>
    [JsonPropertyName("chu")]
    public string? Urls { get; init; }

    /// <summary>The domain of the SRV records of the brokers.</summary>
    [JsonPropertyName("chsrv")]
    public string? ServiceDomain { get; init; }

    /// <summary>Whether a node without configuration provisions.</summary>
    [JsonPropertyName("chpd")]
    public bool ProvisionByDefault { get; init; }

    /// <summary>A file on the node to publish as registration.</summary>
    [JsonPropertyName("chrd")]
    public string? RegistrationFile { get; init; }

    /// <summary>A file on the node with its facts.</summary>
    [JsonPropertyName("chf")]
    public string? FactsFile { get; init; }

    /// <summary>NATS user; used only with <see cref="Password"/>.</summary>
    [JsonPropertyName("chusr")]
    public string? User { get; init; }

    [JsonPropertyName("chpwd")]
    public string? Password { get; init; }

    /// <summary>Free form: an object or null.</summary>
    [JsonPropertyName("extensions"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Extensions { get; init; }

    [JsonPropertyName("ou")]
    public string? OrganizationUnit { get; init; }

    /// <summary>Whether the node speaks protocol V2.</summary>
    [JsonPropertyName("v2"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ProtocolV2 { get; init; }

    /// <summary>Whether <c>release_update</c> is allowed.</summary>
    [JsonPropertyName("update"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AllowUpdate { get; init; }

    [JsonIgnore]
    public override string? Organization => OrganizationUnit;

    internal override string OwnPurpose => ProvisioningPurpose;

    /// <summary>Compares the shared secret in constant time.</summary>
    public bool HasSecret(string secret) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(Secret)), SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>All claims as a JSON object, as Choria's helpers read them. Holds the secret.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, TokenJson.Wire.ProvisioningClaims);

    /// <summary>The claims as a JSON object without the shared secret and the NATS password: for keeping and showing.</summary>
    public string ToJsonWithoutSecrets() =>
        JsonSerializer.Serialize(this with { Secret = "", Password = null }, TokenJson.Wire.ProvisioningClaims);

    internal override string? Fault() =>
        Secret.Length == 0 ? "cht is missing or empty"
        : string.IsNullOrEmpty(Urls) == string.IsNullOrEmpty(ServiceDomain) ? "one of chu and chsrv must be there, and not both"
        : null;

    // Records print their members; this one's would end up in a log.
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(Id)).Append(" = ").Append(Id);
        return true;
    }
}

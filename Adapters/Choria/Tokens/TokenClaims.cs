namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization;

/// <summary>The claims that all tokens have. <see cref="TokenIssuer"/> sets them; who makes a token gives the derived ones.</summary>
/// <remarks>
/// The generated reader sets a property that the JSON lacks to null, whatever its type and its default say. Properties that are never null
/// turn it into their default; <see cref="Fault"/> then says what is missing.
/// </remarks>
public abstract record TokenClaims
{
    /// <summary>The organisation whose issuer vouches for tokens that do not name one.</summary>
    public const string DefaultOrganization = "choria";

    internal const string ProvisioningPurpose = "choria_provisioning";
    internal const string ServerPurpose = "choria_server";
    internal const string ClientPurpose = "choria_client_id";

    // Behind the derived claims, as Choria writes them.
    private const int StandardOrder = 100;

    /// <summary>The <c>ou</c> claim: which organisation issuer vouches for it.</summary>
    [JsonIgnore]
    public abstract string? Organization { get; }

    [JsonPropertyName("purpose"), JsonPropertyOrder(StandardOrder)]
    public string? Purpose { get; init; }

    /// <summary>The trust chain's signatures; see <see cref="TrustChain"/>.</summary>
    [JsonPropertyName("tcs"), JsonPropertyOrder(StandardOrder + 1)]
    public string? TrustChainSignature { get; init; }

    /// <summary>Hexadecimal ed25519 public key of the token's holder.</summary>
    [JsonPropertyName("public_key"), JsonPropertyOrder(StandardOrder + 2)]
    public string? PublicKey { get; init; }

    /// <summary>When the chain issuer's token ends, in Unix seconds; the token ends no later.</summary>
    [JsonPropertyName("issexp"), JsonPropertyOrder(StandardOrder + 3)]
    public long? IssuerExpiresAtSeconds { get; init; }

    [JsonPropertyName("iss"), JsonPropertyOrder(StandardOrder + 4)]
    public string? Issuer { get; init; }

    [JsonPropertyName("sub"), JsonPropertyOrder(StandardOrder + 5)]
    public string? Subject { get; init; }

    [JsonPropertyName("exp"), JsonPropertyOrder(StandardOrder + 6)]
    public long? ExpiresAtSeconds { get; init; }

    [JsonPropertyName("nbf"), JsonPropertyOrder(StandardOrder + 7)]
    public long? NotBeforeSeconds { get; init; }

    [JsonPropertyName("iat"), JsonPropertyOrder(StandardOrder + 8)]
    public long? IssuedAtSeconds { get; init; }

    /// <summary>A KSUID of the second <see cref="IssuedAtSeconds"/>.</summary>
    [JsonPropertyName("jti"), JsonPropertyOrder(StandardOrder + 9)]
    public string? Id { get; init; }

    /// <summary>The effective end: its own or its issuer's, whichever comes first. A token without one has ended.</summary>
    [JsonIgnore]
    public DateTimeOffset ExpiresAt => ExpiresAtSeconds is { } own
        ? DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(Math.Min(own, IssuerExpiresAtSeconds ?? own), SecondsMin, SecondsMax))
        : DateTimeOffset.MinValue;

    [JsonIgnore]
    internal abstract string OwnPurpose { get; }

    private static long SecondsMin => DateTimeOffset.MinValue.ToUnixTimeSeconds();

    private static long SecondsMax => DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>What is wrong with what the kind of token must say, asked once, when it is read; null when all is there.</summary>
    internal abstract string? Fault();

    /// <summary>What is wrong with the holder's key, where the kind of token is nothing without it.</summary>
    protected string? KeyFault() =>
        Hex.TryDecode(PublicKey, Ed25519Key.PublicKeyBytes, out _) ? null : "public_key is missing or no Ed25519 key in hexadecimal";

    protected static bool HasNull(IEnumerable<string?>? texts) => texts?.Contains(null) == true;
}

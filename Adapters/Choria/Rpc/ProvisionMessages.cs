namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>No inputs: <c>{}</c>.</summary>
public sealed record NoInput;

// Records that hold the secret, or the node's token with it inside, print their name only: a record in a log prints itself.

/// <param name="Token">The shared provisioning secret; any value when the node has none.</param>
public sealed record SecretInput(string Token = "")
{
    public override string ToString() => nameof(SecretInput);
}

/// <param name="Message">What the node did or is about to do, in words.</param>
public sealed record MessageOutput(string Message);

/// <param name="Jwt">The node's provisioning token, as it lies on its disk.</param>
/// <param name="EcdhPublic">Hexadecimal X25519 key, good until the next call of the action.</param>
public sealed record JwtOutput(string Jwt, string EcdhPublic)
{
    public override string ToString() => nameof(JwtOutput);
}

/// <param name="Nonce">What to sign; at most 64 characters.</param>
/// <param name="Token">The shared provisioning secret.</param>
public sealed record Gen25519Input(string Nonce = "", string Token = "")
{
    public override string ToString() => nameof(Gen25519Input);
}

/// <param name="PublicKey">Hexadecimal ed25519 key.</param>
/// <param name="Directory">The node's configuration directory.</param>
/// <param name="Signature">Hexadecimal signature over the UTF-8 bytes of the nonce.</param>
public sealed record Gen25519Output(string PublicKey, string Directory, string Signature)
{
    /// <summary>Whether the node proved that it holds the key.</summary>
    public bool Proves(string nonce) => Ed25519Key.VerifyHex(PublicKey, System.Text.Encoding.UTF8.GetBytes(nonce), Signature);
}

/// <summary>The subject of a signing request. Empty parts are left out by the node; its name is the default common name.</summary>
/// <param name="Token">The shared provisioning secret.</param>
/// <param name="CommonName">The wanted common name; null for the node's own.</param>
public sealed record GencsrInput(
    string Token = "",
    [property: JsonPropertyName("cn")] string? CommonName = null,
    [property: JsonPropertyName("C")] string? Country = null,
    [property: JsonPropertyName("L")] string? Locality = null,
    [property: JsonPropertyName("O")] string? Organization = null,
    [property: JsonPropertyName("OU")] string? OrganizationalUnit = null,
    [property: JsonPropertyName("ST")] string? State = null)
{
    public override string ToString() => nameof(GencsrInput);
}

/// <param name="SigningRequestPem">The PKCS#10 request.</param>
/// <param name="PublicKeyPem">PKCS#1 DER under the wrong label <c>PUBLIC KEY</c>: take the key from the request instead.</param>
/// <param name="SslDirectory">Where the node keeps its TLS files.</param>
public sealed record GencsrOutput(
    [property: JsonPropertyName("csr")] string SigningRequestPem,
    [property: JsonPropertyName("public_key")] string PublicKeyPem,
    [property: JsonPropertyName("ssldir")] string SslDirectory);

/// <summary>The inputs of <c>configure</c>. Every key is sent, empty when there is nothing, as the provisioner does.</summary>
public sealed record ConfigureInput
{
    /// <summary>File name, ending in <c>.policy</c>, to text.</summary>
    public IReadOnlyDictionary<string, string> ActionPolicies { get; init; } = new Dictionary<string, string>();

    /// <summary>The CA certificates; TLS files are written only with certificate, CA and directory all given.</summary>
    [JsonPropertyName("ca")]
    public string ChainPem { get; init; } = "";

    [JsonPropertyName("certificate")]
    public string CertificatePem { get; init; } = "";

    /// <summary>The lines of <c>server.conf</c> as <see cref="EncodeSettings"/> writes them: JSON within a JSON string.</summary>
    [JsonPropertyName("config")]
    public required string SettingsJson { get; init; }

    /// <summary>Our X25519 key, hexadecimal; only with <see cref="EncryptedKeyPem"/>.</summary>
    [JsonPropertyName("ecdh_public")]
    public string EcdhPublic { get; init; } = "";

    /// <summary>An RSA key made for the node, as <see cref="NodeKeyExchange"/> encrypts it.</summary>
    [JsonPropertyName("key")]
    public string EncryptedKeyPem { get; init; } = "";

    /// <summary>File name, ending in <c>.rego</c>, to text.</summary>
    public IReadOnlyDictionary<string, string> OpaPolicies { get; init; } = new Dictionary<string, string>();

    [JsonPropertyName("server_jwt")]
    public string ServerToken { get; init; } = "";

    [JsonPropertyName("ssldir")]
    public string SslDirectory { get; init; } = "";

    /// <summary>The shared provisioning secret.</summary>
    public string Token { get; init; } = "";

    public override string ToString() => nameof(ConfigureInput);

    /// <summary>Settings as the node takes them: a flat object of strings, in order of key so that it is the same each time.</summary>
    /// <exception cref="ArgumentException"><see cref="SettingFault"/> finds one that would not arrive as it is.</exception>
    public static string EncodeSettings(IReadOnlyDictionary<string, string> settings) => SettingFault(settings) is { } fault
        ? throw new ArgumentException(fault, nameof(settings))
        : JsonSerializer.Serialize(
            new OrderedDictionary<string, string>(settings.OrderBy(setting => setting.Key, StringComparer.Ordinal)),
            WireJson.Types.IReadOnlyDictionaryStringString);

    /// <summary>Why a setting would not arrive as it is; null when all would. The values are not in the text.</summary>
    public static string? SettingFault(IReadOnlyDictionary<string, string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (var (key, value) in settings)
        {
            // The node writes "key=value" lines raw: a line break in a value would be a setting of its own.
            if (key.AsSpan().IndexOfAny('\r', '\n', '=') >= 0 || string.IsNullOrWhiteSpace(key) || key.StartsWith('#'))
            {
                return "a setting has a name that is empty, a comment or not of one line";
            }

            if (value.AsSpan().IndexOfAny('\r', '\n') >= 0)
            {
                return $"the setting {key} is not of one line";
            }
        }

        return null;
    }

    /// <summary>Settings as a node reads them: a flat object of strings. Never throws for what they may hold.</summary>
    public bool TryReadSettings(
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IReadOnlyDictionary<string, string>? settings,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(
            System.Text.Encoding.UTF8.GetBytes(SettingsJson),
            json => WireJson.Read(json, WireJson.Types.IReadOnlyDictionaryStringString, ChoriaLayer.RpcRequest, "data"),
            out settings,
            out fault);
}

/// <param name="Splay">Seconds: the node waits a random part of it, plus two. 1 is always two seconds; null or 0 means 10.</param>
/// <param name="Token">The shared provisioning secret.</param>
public sealed record RestartInput(int? Splay = null, string Token = "")
{
    public override string ToString() => nameof(RestartInput);
}

/// <param name="Repository">The base URL of the releases.</param>
/// <param name="Token">The shared provisioning secret.</param>
/// <param name="Version">The wanted version.</param>
public sealed record ReleaseUpdateInput(string Repository, string Token, string Version)
{
    public override string ToString() => nameof(ReleaseUpdateInput);
}

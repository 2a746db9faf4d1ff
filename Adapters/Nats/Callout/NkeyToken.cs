using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using NATS.NKeys;

namespace ControlPlane.Adapters.Nats.Callout;

/// <summary>The tokens of NATS: JWS with an algorithm of their own, signed by the nkey that they name as their issuer.</summary>
internal static class NkeyToken
{
    private const int Parts = 3;
    private const int SignatureBytes = 64;
    private const string Algorithm = "ed25519-nkey";
    private static readonly string EncodedHeader =
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"typ":"JWT","alg":"{{Algorithm}}"}"""));

    public static string Write<T>(NkeyClaims<T> claims, KeyPair issuer)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(claims with { Issuer = issuer.GetPublicKey() });
        var signed = $"{EncodedHeader}.{Base64Url.EncodeToString(body)}";
        var signature = new byte[SignatureBytes];
        issuer.Sign(Encoding.ASCII.GetBytes(signed), signature);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Reads a token that a nats-server wrote, and verifies that the key which it names has signed it.</summary>
    public static bool TryRead<T>(
        string token, PrefixByte issuer, [NotNullWhen(true)] out NkeyClaims<T>? claims, [NotNullWhen(false)] out string? fault)
    {
        claims = null;
        var parts = token.Split('.', Parts + 1);
        if (parts.Length != Parts)
        {
            fault = "it is no token of three parts";
            return false;
        }

        try
        {
            using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
            var read = JsonSerializer.Deserialize<NkeyClaims<T>>(Base64Url.DecodeFromChars(parts[1]));
            fault = header.RootElement.GetProperty("alg").GetString() != Algorithm ? $"its algorithm is not {Algorithm}"
                : read?.Issuer is null || !KeyPair.IsValidPublicKey(issuer, read.Issuer) ? $"its issuer is no {issuer}"
                : IsSignedBy(read.Issuer, token[..^(parts[2].Length + 1)], Base64Url.DecodeFromChars(parts[2])) ? null
                : "its signature is not its issuer's";
            claims = fault is null ? read : null;
            return fault is null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException or NKeysException)
        {
            fault = $"it cannot be read: {unreadable.Message}";
            return false;
        }
    }

    private static bool IsSignedBy(string issuer, string signed, byte[] signature)
    {
        using var key = KeyPair.FromPublicKey(issuer);
        return signature.Length == SignatureBytes && key.Verify(Encoding.ASCII.GetBytes(signed), signature);
    }
}

/// <summary>What all tokens of NATS claim, and as its body what one kind claims besides.</summary>
internal sealed record NkeyClaims<T>([property: JsonPropertyName("nats")] T? Body)
{
    [JsonPropertyName("iss")]
    public string? Issuer { get; init; }

    [JsonPropertyName("sub")]
    public string? Subject { get; init; }

    [JsonPropertyName("aud")]
    public string? Audience { get; init; }

    [JsonPropertyName("name"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonPropertyName("iat")]
    public long IssuedAtSeconds { get; init; }

    [JsonPropertyName("exp"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ExpiresAtSeconds { get; init; }
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.IdentityProvider;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Makes tokens by hand: sound ones, and ones that are wrong in one respect.</summary>
internal sealed class ForgedToken(TestIdentityProvider provider)
{
    /// <summary>The provider's own key; another to forge with.</summary>
    public RSA Key { get; set; } = provider.SigningKey.Rsa;

    public JsonObject Header { get; } = new() { ["alg"] = "RS256", ["typ"] = "at+jwt", ["kid"] = provider.SigningKey.KeyId };

    public JsonObject Claims { get; } = new()
    {
        ["iss"] = provider.Issuer.ToString(),
        ["aud"] = TestClients.Audience,
        ["sub"] = "operator",
        ["iat"] = Now,
        ["nbf"] = Now,
        ["exp"] = Now + 600,
    };

    public static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Signs what is there with the RSA key.</summary>
    public string Sign() => Sign(Header.ToJsonString(), Claims.ToJsonString());

    /// <summary>Signs texts that no JSON library would write.</summary>
    public string Sign(string header, string claims)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        var signature = Key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Signs with HMAC-SHA256, by whatever is taken for the secret.</summary>
    public string SignHmac(byte[] secret)
    {
        Header["alg"] = "HS256";
        var signed = $"{Encode(Header.ToJsonString())}.{Encode(Claims.ToJsonString())}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}

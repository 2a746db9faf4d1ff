using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.FleetSimulator.Tokens;

/// <summary>Signs JSON web tokens: EdDSA with an ed25519 seed, RS256 with an RSA key.</summary>
internal sealed class TokenSigner(string algorithm, Func<byte[], byte[]> sign)
{
    public static TokenSigner Ed25519(Ed25519Key key) => new("EdDSA", bytes => key.Sign(bytes));

    public static TokenSigner Rsa(RSA key) =>
        new("RS256", bytes => key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public string Sign(JsonObject claims)
    {
        var header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}"));
        var signed = $"{header}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}

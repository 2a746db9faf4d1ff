namespace ControlPlane.Adapters.Choria.Tests;

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

/// <summary>The tokens and keys that real programs wrote.</summary>
public sealed class TokenCaptureTests
{
    [Fact]
    public void EveryCapturedToken_HasTheSameClaims_WhenWrittenAgain()
    {
        var tokens = Directory.EnumerateFiles(Captures.Root, "*.jwt", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
        Assert.Equal(45, tokens.Count);
        foreach (var text in tokens.Select(token => TokenText.Read(token.Trim())))
        {
            var rewritten = JsonNode.Parse(text.ClaimsJson)!["purpose"]!.GetValue<string>() switch
            {
                "choria_server" => Rewrite(text, TokenJson.Wire.ServerClaims),
                "choria_client_id" => Rewrite(text, TokenJson.Wire.ClientClaims),
                _ => Rewrite(text, TokenJson.Wire.ProvisioningClaims),
            };
            Assert.Equal(Encoding.UTF8.GetString(text.ClaimsJson), rewritten);
        }
    }

    [Fact]
    public void EncryptKey_MakesTheSamePem_AsTheOneThatARealNodeRead()
    {
        var exchange = JsonNode.Parse(Captures.Text("v1-x509", "ecdh.json"))!;
        using var ours = NodeKeyExchange.FromPrivateKey(Convert.FromHexString($"{exchange["provisioner_private_hex"]}"));
        using var key = RSA.Create();
        key.ImportFromPem($"{exchange["key_plain_pem"]}");

        var pem = ours.EncryptKey(
            key.ExportRSAPrivateKey(), $"{exchange["node_public_hex"]}", Convert.FromHexString($"{exchange["iv_hex"]}"));

        Assert.Equal($"{exchange["key_encrypted_pem"]}", pem);
        Assert.Equal($"{exchange["shared_hex"]}", Convert.ToHexStringLower(ours.Agree($"{exchange["node_public_hex"]}")));
    }

    [Fact]
    public void TryDecryptKey_GivesTheKey_ThatTheOtherSideEncrypted()
    {
        using var ours = NodeKeyExchange.Generate();
        using var node = NodeKeyExchange.Generate();
        using var key = RSA.Create(2048);

        var pem = ours.EncryptKey(key, node.PublicKeyHex);

        Assert.True(node.TryDecryptKey(pem, ours.PublicKeyHex, out var der, out var fault), fault?.ToString());
        Assert.Equal(key.ExportRSAPrivateKey(), der);
    }

    private static string Rewrite<T>(TokenText text, JsonTypeInfo<T> type)
        where T : TokenClaims =>
        JsonSerializer.Serialize(text.Claims(type), type);
}

namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

/// <summary>The deterministic vectors, which the real programs accepted.</summary>
public sealed class VectorTests
{
    private static readonly JsonNode Vectors = Captures.Vectors;

    [Theory]
    [InlineData("org_issuer")]
    [InlineData("provisioner_chain_issuer")]
    [InlineData("node")]
    [InlineData("client")]
    public void FromSeedHex_GivesThePublicKey(string name)
    {
        using var key = Key(name);

        Assert.Equal(Text("ed25519_keys", name, "public_hex"), key.PublicKeyHex);
        Assert.Equal(Text("ed25519_keys", name, "seed_hex"), key.ExportSeedHex());
    }

    [Fact]
    public void From_GivesTheKsuid()
    {
        foreach (var vector in Vectors["ksuid"]!["vectors"]!.AsArray())
        {
            var (unix, payload) = (vector!["unix"]!.GetValue<long>(), Convert.FromHexString(vector["payload_hex"]!.GetValue<string>()));
            var ksuid = Ksuid.From(unix, payload);

            Assert.Equal(vector["ksuid"]!.GetValue<string>(), ksuid);
            Assert.True(Ksuid.TryReadTime(ksuid, out var read));
            Assert.Equal(unix, read);
        }
    }

    [Fact]
    public void EncodeRequest_GivesTheV2Transport()
    {
        using var client = Key("client");
        var request = Decode(Text("v2_request", "transport_utf8"));
        var signer = RequestSigner.WithToken(client, Text("jwt", "plain_client_token", "token"));

        Assert.Equal(Text("v2_request", "body_utf8"), Encoding.UTF8.GetString(request.Request.Body.Span));
        Assert.Equal(Text("v2_request", "request_utf8"), Encoding.UTF8.GetString(request.Proof.SignedBytes.Span));
        Assert.Equal(Text("v2_request", "signature_b64"), Convert.ToBase64String(client.Sign(request.Proof.SignedBytes.Span)));
        Assert.Equal(
            Text("v2_request", "transport_utf8"),
            Encoding.UTF8.GetString(ChoriaEnvelope.EncodeRequest(request.Request, request.Headers, signer)));
        Assert.Equal(
            Text("v2_request", "reply_subject"),
            ChoriaSubjects.Reply(request.Request.Collective, request.Request.Caller, request.Request.Id));
    }

    [Fact]
    public void EncodeReply_GivesTheV2Transport()
    {
        using var node = Key("node");
        Assert.True(ChoriaEnvelope.TryDecodeReply(Bytes(Text("v2_reply", "transport_utf8")), out var reply, out _));
        var signer = new ReplySigner(node, Text("jwt", "chained_server_token", "token"));

        Assert.True(reply.Proof!.IsSignedBy(node.PublicKey.Span));
        Assert.Equal(
            Text("v2_reply", "transport_utf8"),
            Encoding.UTF8.GetString(ChoriaEnvelope.EncodeReply(reply.Reply, reply.Headers, signer)));
    }

    [Fact]
    public void EncodeRequest_GivesTheV1Transport()
    {
        var request = Decode(Text("v1_request", "transport_utf8"));

        Assert.Equal(Text("v1_request", "request_utf8"), Encoding.UTF8.GetString(request.Proof.SignedBytes.Span));
        Assert.True(request.Proof.IsSignedByItsCertificate());
        Assert.Equal(
            Text("v1_request", "transport_utf8"),
            Encoding.UTF8.GetString(ChoriaEnvelope.EncodeRequest(request.Request, request.Headers, new RecordedSigner(request.Proof))));
        Assert.Equal(
            Text("v1_request", "reply_subject"),
            ChoriaSubjects.Reply(request.Request.Collective, request.Request.Caller, request.Request.Id));
    }

    [Fact]
    public void EncodeReply_GivesTheV1Transport()
    {
        Assert.True(ChoriaEnvelope.TryDecodeReply(Bytes(Text("v1_reply", "transport_utf8")), out var reply, out _));

        Assert.Equal(
            Text("v1_reply", "transport_utf8"),
            Encoding.UTF8.GetString(ChoriaEnvelope.EncodeReply(reply.Reply, reply.Headers)));
    }

    [Fact]
    public void Sign_GivesTheTokens()
    {
        using var organization = Key("org_issuer");
        using var chainIssuer = Key("provisioner_chain_issuer");
        var issuer = TokenIssuer.Organization(organization);
        Assert.True(ChoriaToken.TryReadUnverified(Token("chain_issuer_client_token"), out ClientClaims? chain, out _));
        Assert.True(ChoriaToken.TryReadUnverified(Token("plain_client_token"), out ClientClaims? plain, out _));
        Assert.True(ChoriaToken.TryReadUnverified(Token("chained_server_token"), out ServerClaims? server, out _));

        Assert.Equal(Token("chain_issuer_client_token"), issuer.Sign(chain, TokenJson.Wire.ClientClaims));
        Assert.Equal(Token("plain_client_token"), issuer.Sign(plain, TokenJson.Wire.ClientClaims));
        Assert.Equal(Token("chained_server_token"), TokenIssuer.Chained(chainIssuer, chain).Sign(server, TokenJson.Wire.ServerClaims));
    }

    [Fact]
    public void TryVerify_TrustsTheTokens()
    {
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Text("ed25519_keys", "org_issuer", "public_hex")));
        var now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

        Assert.True(trust.TryVerify(Token("chain_issuer_client_token"), now, out ClientClaims? _, out var fault), fault?.Detail);
        Assert.True(trust.TryVerify(Token("plain_client_token"), now, out ClientClaims? _, out fault), fault?.Detail);
        Assert.True(trust.TryVerify(Token("chained_server_token"), now, out ServerClaims? _, out fault), fault?.Detail);
    }

    [Fact]
    public void EncryptKey_GivesTheCiphertext()
    {
        using var ours = NodeKeyExchange.FromPrivateKey(Convert.FromHexString(Text("x25519_key_transfer", "provisioner_private_hex")));
        using var node = NodeKeyExchange.FromPrivateKey(Convert.FromHexString(Text("x25519_key_transfer", "node_private_hex")));
        var secret = ours.Agree(node.PublicKeyHex);
        var vector = Convert.FromHexString(Text("x25519_key_transfer", "iv_hex"));
        var pem = ours.EncryptKey(Bytes(Text("x25519_key_transfer", "plaintext_utf8")), node.PublicKeyHex, vector);

        Assert.Equal(Text("x25519_key_transfer", "node_public_hex"), node.PublicKeyHex);
        Assert.Equal(Text("x25519_key_transfer", "provisioner_public_hex"), ours.PublicKeyHex);
        Assert.Equal(Text("x25519_key_transfer", "shared_hex"), Convert.ToHexStringLower(secret));
        Assert.Equal(
            Text("x25519_key_transfer", "aes256_key_hex"), Convert.ToHexStringLower(EncryptedPem.DeriveKey(secret, vector.AsSpan(0, 8))));
        Assert.Contains(Text("x25519_key_transfer", "ciphertext_b64"), pem, StringComparison.Ordinal);
        Assert.True(node.TryDecryptKey(pem, ours.PublicKeyHex, out var plain, out _));
        Assert.Equal(Text("x25519_key_transfer", "plaintext_utf8"), Encoding.UTF8.GetString(plain));
    }

    [Fact]
    public void Sign_GivesTheNonceSignature()
    {
        using var client = Key("client");
        var (nonce, signature) = (Text("nats_nonce", "nonce_utf8"), Text("nats_nonce", "sig_field_base64url_nopad"));

        Assert.Equal(signature, NatsNonce.Sign(client, nonce));
        Assert.True(NatsNonce.Verify(client.PublicKey.Span, nonce, signature));
        Assert.False(NatsNonce.Verify(client.PublicKey.Span, nonce + "x", signature));
        Assert.False(NatsNonce.Verify(client.PublicKey.Span, nonce, "?"));
    }

    [Fact]
    public void Proves_IsTrue_ForTheGen25519Signature()
    {
        using var node = Key("node");
        var output = new Gen25519Output(node.PublicKeyHex, "/etc/choria", Text("gen25519", "signature_hex"));

        Assert.True(output.Proves(Text("gen25519", "nonce_utf8")));
        Assert.False(output.Proves("another nonce"));
        Assert.False((output with { PublicKey = "00" }).Proves(Text("gen25519", "nonce_utf8")));
    }

    [Fact]
    public void CallerHash_GivesTheMd5()
    {
        foreach (var (caller, hash) in Vectors["md5"]!.AsObject())
        {
            Assert.Equal(hash!.GetValue<string>(), ChoriaSubjects.CallerHash(caller));
        }
    }

    private static Ed25519Key Key(string name) => Ed25519Key.FromSeedHex(Text("ed25519_keys", name, "seed_hex"));

    private static string Token(string name) => Text("jwt", name, "token");

    private static ReceivedRequest Decode(string transport)
    {
        Assert.True(ChoriaEnvelope.TryDecodeRequest(Bytes(transport), out var request, out var fault), fault?.ToString());
        return request;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(params string[] path) => path.Aggregate(Vectors, (node, name) => node[name]!).GetValue<string>();
}

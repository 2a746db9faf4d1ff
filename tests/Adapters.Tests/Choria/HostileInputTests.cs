namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;
using CsCheck;

/// <summary>Whatever comes in, the answer is a value or one fault with its layer: never an exception.</summary>
public sealed class HostileInputTests
{
    private static readonly byte[][] Payloads =
    [
        .. new[] { 1, 5, 8, 29, 38, 52, 63 }.Select(number => Captures.Message("v2-issuer", number).Payload),
        .. new[] { 5, 8, 10, 18, 24, 34 }.Select(number => Captures.Message("v1-x509", number).Payload),
        Captures.Message("v2-aaa", 5).Payload,
    ];

    // Half a character: JSON can spell it, but the tests' own JSON writer cannot, so it is put in as text at the end.
    private const string LoneSurrogate = "\"@lone@\"";

    private static readonly string[] Values =
        ["null", "true", "1", "\"\"", "\"x\"", "[]", "{}", "[[]]", "1e999", "-1", "99999999999999999999", LoneSurrogate, "\"=\""];

    private static readonly string[] Fields =
    [
        "@lone@", "protocol", "data", "headers", "request", "reply", "message", "signature", "hash", "caller", "filter", "time", "ttl",
        "id", "agent", "envelope", "pubcert",
    ];

    private static readonly string[] Claims =
    [
        "exp", "nbf", "iat", "issexp", "tcs", "iss", "jti", "public_key", "purpose", "ou", "cht", "chu", "collectives", "permissions",
    ];

    private static readonly (string Layer, string Field, string Json)[] WrongValues =
    [
        .. from json in Values
           from field in Fields
           from layer in new[] { "transport", "secure", "plain" }
           select (layer, field, json),
    ];

    [Fact]
    public void TryDecode_GivesAFault_ForEveryTruncation()
    {
        foreach (var payload in Payloads)
        {
            for (var length = 0; length < payload.Length; length++)
            {
                AssertDecodesNothing(payload.AsSpan(0, length));
            }
        }
    }

    [Fact]
    public void TryDecode_NeverThrows_ForTruncationsOfTheInnerLayers()
    {
        foreach (var payload in Payloads.Where(payload => JsonNode.Parse(payload)!["data"] is JsonValue))
        {
            var json = JsonNode.Parse(payload)!;
            var secure = Convert.FromBase64String(json["data"]!.GetValue<string>());
            for (var length = 0; length < secure.Length; length++)
            {
                json["data"] = Convert.ToBase64String(secure, 0, length);
                AssertDecodesNothing(Encoding.UTF8.GetBytes(json.ToJsonString()));
            }
        }
    }

    [Fact]
    public void TryDecode_NeverThrows_ForFlippedBits() =>
        Gen.Select(Gen.Int[0, Payloads.Length - 1], Gen.Int[0, int.MaxValue], Gen.Int[0, 7]).Sample(
            (payload, position, bit) =>
            {
                var spoilt = Payloads[payload].ToArray();
                spoilt[position % spoilt.Length] ^= (byte)(1 << bit);
                DecodeAll(spoilt);
            },
            iter: 5_000);

    [Fact]
    public void TryDecode_NeverThrows_ForFlippedBitsOfTheInnerLayers() =>
        Gen.Select(Gen.Int[0, Payloads.Length - 1], Gen.Int[0, int.MaxValue], Gen.Int[0, 255]).Sample(
            (payload, position, value) => DecodeAll(Respell(Payloads[payload], secure => secure[position % secure.Length] = (byte)value)),
            iter: 5_000);

    [Fact]
    public void TryDecode_NeverThrows_ForNoise() => Gen.Byte.Array[0, 300].Sample(DecodeAll, iter: 5_000);

    [Fact]
    public void TryDecode_NeverThrows_ForValuesOfWrongTypes()
    {
        foreach (var (layer, field, json) in WrongValues)
        {
            foreach (var payload in Payloads)
            {
                DecodeAll(WithField(payload, layer, field, json));
            }
        }
    }

    [Theory]
    [InlineData("transport", "protocol", "\"choria:transport:9\"", ChoriaLayer.Transport)]
    [InlineData("transport", "data", "\"?\"", ChoriaLayer.Transport)]
    [InlineData("transport", "data", "\"Zg\"", ChoriaLayer.Transport)]
    [InlineData("transport", "headers", "[]", ChoriaLayer.Transport)]
    [InlineData("secure", "protocol", "\"io.choria.protocol.v2.secure_reply\"", ChoriaLayer.SecureRequest)]
    [InlineData("secure", "signature", "\"!\"", ChoriaLayer.SecureRequest)]
    [InlineData("secure", "caller", "\"\"", ChoriaLayer.SecureRequest)]
    [InlineData("plain", "protocol", "1", ChoriaLayer.Request)]
    [InlineData("plain", "ttl", "0", ChoriaLayer.Request)]
    [InlineData("plain", "ttl", "99999999999", ChoriaLayer.Request)]
    [InlineData("plain", "time", "1.5", ChoriaLayer.Request)]
    [InlineData("plain", "time", "99999999999999999999", ChoriaLayer.Request)]
    [InlineData("plain", "id", "\"\"", ChoriaLayer.Request)]
    [InlineData("plain", "agent", "{}", ChoriaLayer.Request)]
    public void TryDecodeRequest_NamesLayerAndField(string layer, string field, string json, ChoriaLayer expected)
    {
        var payload = WithField(Captures.Message("v2-issuer", 5).Payload, layer, field, json);

        Assert.False(ChoriaEnvelope.TryDecodeRequest(payload, out _, out var fault));
        Assert.Equal((expected, field), (fault.Layer, fault.Field));
    }

    [Theory]
    [InlineData("""{"fact":null,"cf_class":[],"agent":[],"identity":[],"compound":[]}""", "filter.fact")]
    [InlineData("""{"fact":[],"cf_class":[],"identity":[],"compound":[]}""", "filter.agent")]
    [InlineData("""{"fact":[{"fact":"a","operator":"~","value":"b"}]}""", "filter.fact[0].operator")]
    [InlineData("""{"fact":[],"cf_class":[1],"agent":[],"identity":[],"compound":[]}""", "filter.cf_class")]
    [InlineData("""{"fact":[],"cf_class":[],"agent":[],"identity":[],"compound":[{}]}""", "filter.compound[0]")]
    public void TryDecodeRequest_WantsAllFiveArraysOfTheFilter(string filter, string field)
    {
        var payload = WithField(Captures.Message("v2-issuer", 5).Payload, "plain", "filter", filter);

        Assert.False(ChoriaEnvelope.TryDecodeRequest(payload, out _, out var fault));
        Assert.Equal((ChoriaLayer.Request, field), (fault.Layer, fault.Field));
    }

    [Theory]
    [InlineData("requestid", "\"0123\"")]
    [InlineData("ttl", "29")]
    [InlineData("time", "9223372036854775807")]
    public void TryDecodeRequest_KeepsTheLimitsOfV1(string field, string json)
    {
        var payload = Respell(Captures.Message("v1-x509", 10).Payload, secure =>
        {
            var request = JsonNode.Parse(secure["message"]!.GetValue<string>())!;
            request["envelope"]![field] = JsonNode.Parse(json);
            secure["message"] = request.ToJsonString();
        });

        Assert.False(ChoriaEnvelope.TryDecodeRequest(payload, out _, out var fault));
        Assert.Equal((ChoriaLayer.Request, $"envelope.{field}"), (fault.Layer, fault.Field));
    }

    [Fact]
    public void TryDecode_Refuses_AFieldThatIsThereTwice()
    {
        var text = Encoding.UTF8.GetString(Captures.Message("v2-issuer", 5).Payload);
        var payload = Encoding.UTF8.GetBytes(text.Replace("\"data\":", "\"data\":\"e30=\",\"data\":", StringComparison.Ordinal));

        Assert.False(ChoriaEnvelope.TryDecodeRequest(payload, out _, out var fault));
        Assert.Equal(new ChoriaFault(ChoriaLayer.Transport, "data", "appears twice"), fault);
    }

    [Fact]
    public void TryDecode_Refuses_WhatIsTooDeepOrTooLarge()
    {
        var deep = new string('[', 100_000);
        DecodeAll(Encoding.UTF8.GetBytes(deep));
        DecodeAll(Encoding.UTF8.GetBytes("{\"x\":" + deep));
        DecodeAll(Encoding.UTF8.GetBytes("{\"data\":" + string.Concat(Enumerable.Repeat("{\"data\":", 10_000))));

        Assert.False(ChoriaEnvelope.TryDecodeReply(new byte[ChoriaLimits.PayloadBytesMax + 1], out _, out var fault));
        Assert.Equal((ChoriaLayer.Transport, ""), (fault.Layer, fault.Field));
        Assert.Contains("larger", fault.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TryVerify_NeverThrows_ForSpoiltTokens()
    {
        var tokens = Captures.Lines("negative", "tokens.jsonl").Select(line => line["token"]!.GetValue<string>()).ToArray();
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Captures.Text("v2-issuer", "keys/issuer.public").Trim()));
        Gen.Select(Gen.Int[0, tokens.Length - 1], Gen.Int[0, int.MaxValue], Gen.Char).Sample(
            (token, position, character) =>
            {
                var spoilt = tokens[token].ToCharArray();
                spoilt[position % spoilt.Length] = character;
                VerifyAll(trust, new string(spoilt));
                VerifyAll(trust, tokens[token][..(position % spoilt.Length)]);
            },
            iter: 5_000);
    }

    [Fact]
    public void TryVerify_NeverThrows_ForClaimsOfWrongTypes()
    {
        using var key = Ed25519Key.FromSeedHex(Captures.Text("v2-issuer", "keys/issuer.seed"));
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(key.PublicKeyHex));
        foreach (var (claim, json) in from claim in Claims from wrong in Values select (claim, wrong))
        {
            var text = $$"""{"purpose":"choria_server","iss":"C-a.b","identity":"n","exp":4102444800,"{{claim}}":{{json}}}""";
            VerifyAll(trust, TokenText.Write("EdDSA", Encoding.UTF8.GetBytes(WithLoneSurrogate(text)), bytes => key.Sign(bytes)));
        }
    }

    [Fact]
    public void TryDecryptKey_NeverThrows_ForSpoiltPem()
    {
        using var node = NodeKeyExchange.Generate();
        using var ours = NodeKeyExchange.Generate();
        var pem = ours.EncryptKey("a key"u8, node.PublicKeyHex, new byte[16]);
        Gen.Select(Gen.Int[0, pem.Length - 1], Gen.Char).Sample(
            (position, character) =>
            {
                var spoilt = pem.ToCharArray();
                spoilt[position] = character;
                node.TryDecryptKey(new string(spoilt), ours.PublicKeyHex, out _, out _);
                node.TryDecryptKey(pem[..position], ours.PublicKeyHex, out _, out _);
            },
            iter: 2_000);
        Assert.False(node.TryDecryptKey(pem, new string('0', 64), out _, out var fault));
        Assert.Equal((ChoriaLayer.Key, "ecdh_public"), (fault.Layer, fault.Field));
    }

    private static void VerifyAll(TokenTrust trust, string token)
    {
        var now = DateTimeOffset.UnixEpoch;
        trust.TryVerify(token, now, out ProvisioningClaims? _, out _);
        trust.TryVerify(token, now, out ServerClaims? _, out _);
        trust.TryVerify(token, now, out ClientClaims? _, out _);
        ChoriaToken.TryReadUnverified(token, out ProvisioningClaims? _, out _);
    }

    private static void DecodeAll(byte[] payload)
    {
        if (ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _))
        {
            request.Proof.IsSignedBy(new byte[32]);
            request.Proof.IsSignedByItsCertificate();
            request.Request.IsFresh(DateTimeOffset.UnixEpoch);
            DecodeBodies(request.Request.Body);
        }

        if (ChoriaEnvelope.TryDecodeReply(payload, out var reply, out _))
        {
            reply.Proof?.IsSignedBy(new byte[32]);
            DecodeBodies(reply.Reply.Body);
        }

        LifecycleEvent.TryDecode(payload, out _, out _);
        MachineEvent.TryDecode(payload, out _, out _);
        var text = Encoding.UTF8.GetString(payload);
        SubmittedMessage.TryDecode(text, _ => text, payload, out _, out _);
        DecodeBodies(payload);
    }

    private static void DecodeBodies(ReadOnlyMemory<byte> body)
    {
        RegistrationBody.TryDecode(body, out _, out _);
        AdapterOutput.TryDecode(body.Span, out _, out _);
        if (RpcRequest.TryDecode(body, out var request, out _))
        {
            ProvisionAgent.Configure.TryReadInput(request, out _, out _);
            ProvisionAgent.Gen25519.TryReadInput(request, out _, out _);
        }

        if (RpcReply.TryDecode(body, out var reply, out _))
        {
            ProvisionAgent.Jwt.TryReadOutput(reply, out _, out _);
            ProvisionAgent.Gencsr.TryReadOutput(reply, out _, out _);
            RpcutilAgent.Inventory.TryReadOutput(reply, out _, out _);
        }
    }

    private static void AssertDecodesNothing(ReadOnlySpan<byte> payload)
    {
        Assert.False(ChoriaEnvelope.TryDecodeRequest(payload, out _, out _));
        Assert.False(ChoriaEnvelope.TryDecodeReply(payload, out _, out _));
        Assert.False(LifecycleEvent.TryDecode(payload, out _, out _));
    }

    // Spoils the secure layer as bytes, and puts it back into its transport.
    private static byte[] Respell(byte[] payload, Action<byte[]> spoil)
    {
        var json = JsonNode.Parse(payload)!;
        if (json["data"] is not JsonValue data)
        {
            return payload;
        }

        var secure = Convert.FromBase64String(data.GetValue<string>());
        spoil(secure);
        json["data"] = Convert.ToBase64String(secure);
        return Bytes(json);
    }

    private static byte[] Respell(byte[] payload, Action<JsonNode> spoil)
    {
        var json = JsonNode.Parse(payload)!;
        if (json["data"] is not JsonValue data)
        {
            return payload;
        }

        var secure = JsonNode.Parse(Convert.FromBase64String(data.GetValue<string>()))!;
        spoil(secure);
        json["data"] = Convert.ToBase64String(Bytes(secure));
        return Bytes(json);
    }

    private static byte[] WithField(byte[] payload, string layer, string field, string json)
    {
        if (layer != "transport")
        {
            return Respell(payload, (JsonNode secure) => Replace(secure, layer, field, json));
        }

        var transport = JsonNode.Parse(payload)!;
        transport[field] = Literal(json);
        return Bytes(transport);
    }

    private static void Replace(JsonNode secure, string layer, string field, string json)
    {
        if (layer == "secure")
        {
            secure[field] = Literal(json);
        }
        else if ((secure["request"] ?? secure["reply"]) is { } inner)
        {
            var plain = JsonNode.Parse(Convert.FromBase64String(inner.GetValue<string>()))!;
            plain[field] = Literal(json);
            var name = secure["request"] is null ? "reply" : "request";
            secure[name] = Convert.ToBase64String(Bytes(plain));
        }
    }

    private static JsonNode? Literal(string json) => JsonNode.Parse(json);

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(WithLoneSurrogate(json.ToJsonString()));

    private static string WithLoneSurrogate(string json) => json.Replace("@lone@", "\\ud800", StringComparison.Ordinal);
}

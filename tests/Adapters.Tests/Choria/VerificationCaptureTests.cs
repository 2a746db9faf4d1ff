namespace ControlPlane.Adapters.Choria.Tests;

using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Fleet;

/// <summary>Every line of every verification.jsonl: what verifies must, what must not may not.</summary>
public sealed class VerificationCaptureTests
{
    public static TheoryData<string> FoldersWithChecks =>
        [.. Captures.Folders.Where(folder => File.Exists(Path.Combine(Captures.Root, folder, "verification.jsonl")))];

    [Theory]
    [MemberData(nameof(FoldersWithChecks))]
    public void EveryRecordedCheck_HasTheRecordedResult(string folder)
    {
        var messages = Captures.Messages(folder).ToDictionary(message => message.Number);
        var connects = Captures.Lines(folder, "connect.jsonl").ToList();
        foreach (var check in Captures.Lines(folder, "verification.jsonl"))
        {
            var actual = Verify(folder, messages, connects, check);
            Assert.True(check["expected"]!.GetValue<bool>() == actual, $"{folder}: {check.ToJsonString()} gave {actual}");
        }
    }

    private static bool Verify(string folder, Dictionary<int, CapturedMessage> messages, List<JsonNode> connects, JsonNode check)
    {
        var (where, what) = (check["where"]!.GetValue<string>(), check["what"]!.GetValue<string>());
        return where.Split(':') switch
        {
            ["messages.jsonl", var number] => VerifyMessage(messages, int.Parse(number, CultureInfo.InvariantCulture), what),
            ["connect.jsonl", var line] => VerifyConnect(connects, int.Parse(line, CultureInfo.InvariantCulture)),
            ["http.jsonl", var line] => VerifyHttp(folder, int.Parse(line, CultureInfo.InvariantCulture), what),
            _ => VerifyFile(folder, where, what, check["key"]!.GetValue<string>()),
        };
    }

    private static bool VerifyMessage(Dictionary<int, CapturedMessage> messages, int number, string what)
    {
        var payload = messages[number].Payload;
        return what switch
        {
            "secure request signature over the decoded request bytes" => VerifyV2Request(payload),
            "secure request signature over the message string bytes" =>
                ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _) && request.Proof.IsSignedByItsCertificate(),
            "secure request signature" => ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _) && !request.Proof.IsInsecure,
            "secure reply hash over the decoded reply bytes" or "secure reply hash over the message string bytes" =>
                ChoriaEnvelope.TryDecodeReply(payload, out _, out _),
            "secure reply signature over the decoded reply bytes" => VerifyV2Reply(payload),
            "gen25519 signature over the nonce string" => VerifyPossession(messages, number),
            "CSR self signature" => SigningRequestOf(payload) is not null,
            "public_key (PKCS#1 DER) is the CSR key" => IsKeyOfItsRequest(payload),
            "sign request: signature over the request string bytes" => VerifySignRequest(payload),
            "returned secure_request signature over its request bytes" => VerifyReturnedRequest(payload),
            _ => throw new ArgumentException(what),
        };
    }

    private static bool VerifyV2Request(byte[] payload)
    {
        if (!ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _))
        {
            return false;
        }

        return request.Proof.IsSignedBy(KeyOf(request.Proof.SignerToken ?? request.Proof.CallerCredential));
    }

    private static bool VerifyV2Reply(byte[] payload)
    {
        Assert.True(ChoriaEnvelope.TryDecodeReply(payload, out var reply, out _));
        return reply.Proof!.IsSignedBy(KeyOf(reply.Proof.SenderToken));
    }

    private static bool VerifyPossession(Dictionary<int, CapturedMessage> messages, int number)
    {
        var reply = RpcOf(messages[number].Payload, out var requestId);
        Assert.True(ProvisionAgent.Gen25519.TryReadOutput(reply, out var output, out _));
        var request = messages.Values
            .Where(message => message.Kind.Contains("choria_provision#gen25519", StringComparison.Ordinal))
            .Select(message => ChoriaEnvelope.TryDecodeRequest(message.Payload, out var received, out _) ? received.Request : null)
            .Single(candidate => candidate?.Id == requestId)!;
        Assert.True(RpcRequest.TryDecode(request.Body, out var rpc, out _));
        Assert.True(ProvisionAgent.Gen25519.TryReadInput(rpc, out var input, out _));
        return output.Proves(input.Nonce);
    }

    private static CertificateRequest? SigningRequestOf(byte[] payload)
    {
        Assert.True(ProvisionAgent.Gencsr.TryReadOutput(RpcOf(payload, out _), out var output, out _));
        return CertificateRequest.LoadSigningRequestPem(output.SigningRequestPem, HashAlgorithmName.SHA256);
    }

    private static bool IsKeyOfItsRequest(byte[] payload)
    {
        Assert.True(ProvisionAgent.Gencsr.TryReadOutput(RpcOf(payload, out _), out var output, out _));
        using var shown = RSA.Create();
        var base64 = string.Concat(output.PublicKeyPem.Split('\n').Where(line => !line.StartsWith('-')));
        shown.ImportRSAPublicKey(Convert.FromBase64String(base64), out _);
        return SigningRequestOf(payload)!.PublicKey.ExportSubjectPublicKeyInfo().SequenceEqual(shown.ExportSubjectPublicKeyInfo());
    }

    private static bool VerifySignRequest(byte[] payload)
    {
        Assert.True(ChoriaEnvelope.TryDecodeRequest(payload, out var request, out _));
        Assert.True(RpcRequest.TryDecode(request.Request.Body, out var rpc, out _));
        var data = JsonNode.Parse(rpc.Data.Span)!;
        return Ed25519Key.VerifyHex(
            Convert.ToHexString(KeyOf(data["token"]!.GetValue<string>())),
            Encoding.UTF8.GetBytes(data["request"]!.GetValue<string>()),
            data["signature"]!.GetValue<string>());
    }

    private static bool VerifyReturnedRequest(byte[] payload)
    {
        var data = JsonNode.Parse(RpcOf(payload, out _).Data.Span)!;
        return VerifySecureRequest(JsonNode.Parse(data["secure_request"]!.GetValue<string>())!);
    }

    private static bool VerifySecureRequest(JsonNode secure) => Ed25519Key.Verify(
        KeyOf(secure["signer"]!.GetValue<string>()),
        Convert.FromBase64String(secure["request"]!.GetValue<string>()),
        Convert.FromBase64String(secure["signature"]!.GetValue<string>()));

    private static bool VerifyConnect(List<JsonNode> lines, int line)
    {
        var connect = lines[line - 1];
        var info = lines.First(other => other["op"]!.GetValue<string>() == "INFO"
            && other["conn"]!.ToJsonString() == connect["conn"]!.ToJsonString());
        var arguments = JsonNode.Parse(connect["args"]!.GetValue<string>())!;
        var nonce = JsonNode.Parse(info["args"]!.GetValue<string>())!["nonce"]!.GetValue<string>();
        return NatsNonce.Verify(KeyOf(arguments["jwt"]!.GetValue<string>()), nonce, arguments["sig"]!.GetValue<string>());
    }

    private static bool VerifyHttp(string folder, int line, string what)
    {
        var exchange = Captures.Lines(folder, "http.jsonl").ElementAt(line - 1);
        var request = JsonNode.Parse(exchange["req_body"]!.GetValue<string>())!;
        if (what.StartsWith("login", StringComparison.Ordinal))
        {
            var signed = $"{request["timestamp"]}:{request["username"]}:{request["password"]}";
            return Ed25519Key.VerifyHex($"{request["public_key"]}", Encoding.UTF8.GetBytes(signed), $"{request["signature"]}");
        }

        if (what.StartsWith("sign reply", StringComparison.Ordinal))
        {
            var reply = JsonNode.Parse(exchange["resp_body"]!.GetValue<string>())!;
            return VerifySecureRequest(JsonNode.Parse(Convert.FromBase64String($"{reply["secure_request"]}"))!);
        }

        var key = Convert.ToHexString(KeyOf($"{request["token"]}"));
        return Ed25519Key.VerifyHex(key, Convert.FromBase64String($"{request["request"]}"), $"{request["signature"]}");
    }

    private static bool VerifyFile(string folder, string where, string what, string key)
    {
        if (where.EndsWith(".seed", StringComparison.Ordinal))
        {
            using var pair = Ed25519Key.FromSeedHex(Captures.Text(folder, where));
            return pair.PublicKeyHex == Captures.Text(folder, where.Replace(".seed", ".public", StringComparison.Ordinal)).Trim();
        }

        return where.EndsWith(".pem", StringComparison.Ordinal)
            ? IsSignedByTheAuthority(folder, where)
            : VerifyToken(folder, where, what, key);
    }

    private static bool IsSignedByTheAuthority(string folder, string where)
    {
        using var certificate = X509Certificate2.CreateFromPem(Captures.Text(folder, where));
        using var authority = X509Certificate2.CreateFromPem(Captures.Text(folder, "keys/ca.pem"));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = certificate.NotBefore.AddMinutes(1);
        return chain.Build(certificate);
    }

    // One verdict covers a token's signature, its chain and the name of its issuer: the checks of it are one here.
    private static bool VerifyToken(string folder, string where, string what, string key)
    {
        var token = TokenAt(folder, where).Trim();
        var issuer = key.StartsWith("issuer keys/", StringComparison.Ordinal) && what == "JWT signature"
            ? Captures.Text(folder, key["issuer ".Length..])
            : null;
        var trust = TokenTrust.InSigners(key.EndsWith(".pem", StringComparison.Ordinal)
            ? ProvisioningTokenAttestor.SignerIn(Captures.Text(folder, key))
            : IssuerKey.FromEd25519Hex((issuer ?? Captures.Text(folder, "keys/issuer.public")).Trim()));
        return Trusts(trust, token);
    }

    private static bool Trusts(TokenTrust trust, string token)
    {
        var parts = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]));
        var now = DateTimeOffset.FromUnixTimeSeconds(JsonNode.Parse(parts)!["iat"]!.GetValue<long>());
        return JsonNode.Parse(parts)!["purpose"]!.GetValue<string>() switch
        {
            "choria_server" => trust.TryVerify(token, now, out ServerClaims? _, out _),
            "choria_client_id" => trust.TryVerify(token, now, out ClientClaims? _, out _),
            _ => trust.TryVerify(token, now, out ProvisioningClaims? _, out _),
        };
    }

    private static string TokenAt(string folder, string where)
    {
        if (!where.Contains("tokens-seen", StringComparison.Ordinal))
        {
            return Captures.Text(folder, where);
        }

        var line = int.Parse(where.Split(':')[^1], CultureInfo.InvariantCulture);
        return Captures.Lines(folder, "keys/tokens-seen.jsonl").ElementAt(line - 1)["token"]!.GetValue<string>();
    }

    private static RpcReply RpcOf(byte[] payload, out string requestId)
    {
        Assert.True(ChoriaEnvelope.TryDecodeReply(payload, out var reply, out _));
        Assert.True(RpcReply.TryDecode(reply.Reply.Body, out var rpc, out _));
        requestId = reply.Reply.RequestId;
        return rpc;
    }

    private static byte[] KeyOf(string token)
    {
        var text = token.Split('.');
        if (text.Length != 3)
        {
            return [];
        }

        var claims = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(text[1]))!;
        return Convert.FromHexString(claims["public_key"]!.GetValue<string>());
    }
}

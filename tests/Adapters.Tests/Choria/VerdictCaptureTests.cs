namespace ControlPlane.Adapters.Choria.Tests;

using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using ControlPlane.Certificates;
using ControlPlane.X509;

/// <summary>Spoilt requests and replies that were sent for real: what the real node dropped, ours drops too, for its reason.</summary>
public sealed class VerdictCaptureTests
{
    private static readonly Dictionary<string, RequestRefusal?> ExpectedV2 = new()
    {
        ["control-replay"] = null,
        ["control-resigned"] = null,
        ["zero-signature"] = RequestRefusal.SignatureWrong,
        ["tampered-request"] = RequestRefusal.SignatureWrong,
        ["insecure"] = RequestRefusal.SignatureMissing,
        ["wrong-key"] = RequestRefusal.SignatureWrong,
        ["unknown-issuer"] = RequestRefusal.CredentialRefused,
        ["expired-token"] = RequestRefusal.CredentialRefused,
        ["no-fleet-management"] = RequestRefusal.NotPermitted,
        ["caller-mismatch"] = RequestRefusal.CallerMismatch,
        ["too-old"] = RequestRefusal.Stale,

        // The node drops it because it does not know the collective, which is for the node to compare.
        ["other-collective"] = null,
    };

    private static readonly Dictionary<string, RequestRefusal?> ExpectedV1 = new()
    {
        ["control-replay"] = null,
        ["control-resigned"] = null,
        ["zero-signature"] = RequestRefusal.SignatureWrong,
        ["tampered-request"] = RequestRefusal.SignatureWrong,
        ["insecure"] = RequestRefusal.SignatureMissing,
        ["unknown-ca"] = RequestRefusal.CredentialRefused,
        ["wrong-key"] = RequestRefusal.SignatureWrong,
        ["caller-mismatch"] = RequestRefusal.CallerMismatch,
        ["too-old"] = RequestRefusal.Stale,
    };

    private static readonly Dictionary<string, ReplyRefusal?> ExpectedReplies = new()
    {
        ["v2-reply-control"] = null,
        ["v2-reply-zero-signature"] = ReplyRefusal.SignatureWrong,
        ["v2-reply-altered-hash-fixed"] = ReplyRefusal.SignatureWrong,
        ["v2-reply-no-signature"] = ReplyRefusal.SignatureWrong,
        ["v2-reply-no-signature-no-sender"] = ReplyRefusal.SignatureMissing,
        ["v2-reply-unknown-issuer"] = ReplyRefusal.TokenRefused,
        ["v2-reply-token-of-another-node"] = ReplyRefusal.AnotherSender,
        ["v2-reply-other-sender-name"] = ReplyRefusal.AnotherSender,
        ["v2-reply-unknown-request-id"] = ReplyRefusal.AnotherRequest,
        ["v2-reply-too-old"] = ReplyRefusal.Stale,
        ["v2-reply-control-last"] = null,
        ["v1-reply-control"] = null,
        ["v1-reply-unknown-request-id"] = ReplyRefusal.AnotherRequest,
        ["v1-reply-control-last"] = null,
    };

    [Fact]
    public void TryVerifyCaller_DropsWhatTheV2NodeDropped()
    {
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Captures.Text("v2-plain-nats", "keys/issuer.public").Trim()));

        Assert.Equal(ExpectedV2, Judge("v2-plain-nats", (request, now) =>
            RequestVerification.TryVerifyCaller(request, trust, now, out _, out var fault) ? null : fault.Reason));
    }

    [Fact]
    public void TryVerifyCaller_DropsWhatTheV1NodeDropped()
    {
        // The recorded node's allow list lets its own test client in.
        using var trust = new CertificateTrust(Authorities, [@"\.example\.net$", @"\.mcollective$"]);

        Assert.Equal(ExpectedV1, Judge("v1-plain-nats", (request, now) =>
            trust.TryVerifyCaller(request, now, out var fault) ? null : fault.Reason));
    }

    private static X509Certificate2Collection Authorities => PemCertificates.Read(Captures.Text("v1-plain-nats", "keys/ca.pem"));

    [Fact]
    public void CertificateTrust_Throws_WithABrokenPattern() =>
        Assert.Throws<ChoriaFormatException>(() => new CertificateTrust(Authorities, ["("]));

    [Fact]
    public void TryVerifyNode_TrustsEveryRegistrationOfV2()
    {
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Captures.Text("v2-issuer", "keys/issuer.public").Trim()));
        var registrations = Captures.Messages("v2-issuer")
            .Where(message => message.Kind.Contains("registration", StringComparison.Ordinal)).ToList();
        Assert.Equal(5, registrations.Count);
        foreach (var message in registrations)
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _));
            var now = request.Request.Time;
            Assert.True(RequestVerification.TryVerifyNode(request, trust, now, out var node, out var fault), fault?.Detail);
            Assert.Equal("node1.example.net", node.Identity);
            Assert.False(RequestVerification.TryVerifyCaller(request, trust, now, out _, out fault));
            Assert.Equal(RequestRefusal.CredentialRefused, fault.Reason);
        }
    }

    [Fact]
    public void TryVerifyCaller_TrustsDelegatedRequests_AndNotTheSameWithoutTheDelegate()
    {
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Captures.Text("v2-aaa", "keys/issuer.public").Trim()));
        foreach (var number in new[] { 5, 9, 13, 17, 21 })
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(Captures.Message("v2-aaa", number).Payload, out var request, out _));
            var now = request.Request.Time;
            Assert.True(RequestVerification.TryVerifyCaller(request, trust, now, out var caller, out var fault), fault?.Detail);
            Assert.Equal("up=alice", caller.CallerId);

            var alone = request with { Proof = request.Proof with { SignerToken = null } };
            Assert.False(RequestVerification.TryVerifyCaller(alone, trust, now, out _, out fault));
            Assert.Equal(RequestRefusal.NotPermitted, fault.Reason);
        }
    }

    [Fact]
    public void Judge_RefusesEveryNegativeReply_ThatDecodes()
    {
        var trust = TokenTrust.InSigners(IssuerKey.FromEd25519Hex(Captures.Text("v2-plain-nats", "keys/issuer.public").Trim()));
        var actual = new Dictionary<string, ReplyRefusal?>();
        foreach (var line in Captures.Lines("negative", "replies.jsonl"))
        {
            var name = line["case"]!.GetValue<string>();
            Assert.True(ChoriaEnvelope.TryDecodeRequest(Bytes(line, "request_payload_utf8"), out var request, out _));
            if (!ChoriaEnvelope.TryDecodeReply(Bytes(line, "payload_utf8"), out var reply, out var fault))
            {
                Assert.False(line["hash_matches"]!.GetValue<bool>(), name);
                Assert.Equal(new ChoriaFault(ChoriaLayer.SecureReply, "hash", fault.Problem), fault);
                continue;
            }

            Assert.True(line["hash_matches"]!.GetValue<bool>(), name);
            var nodesSign = reply.Reply.Protocol == ChoriaProtocol.V2;
            var verdict = ReplyVerification.Judge(
                reply, request.Request, "node1.example.net", nodesSign ? trust : null, request.Request.Time + TimeSpan.FromSeconds(1));
            actual[name] = verdict?.Reason;
            Assert.Equal(line["negative"]!.GetValue<bool>(), verdict is not null);
        }

        Assert.Equal(ExpectedReplies, actual);
    }

    private static Dictionary<string, RequestRefusal?> Judge(string folder, Func<ReceivedRequest, DateTimeOffset, RequestRefusal?> judge)
    {
        var verdicts = new Dictionary<string, RequestRefusal?>();
        foreach (var line in Captures.Lines(folder, "negative.jsonl"))
        {
            if (ChoriaEnvelope.TryDecodeRequest(Bytes(line, "payload_utf8"), out var request, out _))
            {
                var now = DateTimeOffset.Parse(line["ts"]!.GetValue<string>(), CultureInfo.InvariantCulture);
                verdicts[line["case"]!.GetValue<string>()] = judge(request, now);
            }
        }

        return verdicts;
    }

    private static byte[] Bytes(JsonNode line, string field) => System.Text.Encoding.UTF8.GetBytes(line[field]!.GetValue<string>());
}

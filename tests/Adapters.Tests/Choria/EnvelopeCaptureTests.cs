namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;

/// <summary>Envelopes against the recorded traffic.</summary>
public sealed class EnvelopeCaptureTests
{
    // The only requests among the captures that a node drops for their form.
    private static readonly Dictionary<string, string> FormFaults = new()
    {
        ["mcollective.reply.negative.no-signature"] = "signature",
        ["mcollective.reply.negative.no-caller"] = "caller",
        ["provisioning.reply.test.nosig"] = "signature",
        ["provisioning.reply.test.nocaller"] = "caller",
    };

    [Fact]
    public void EveryCapturedMessage_IsOfAKindThatIsTested()
    {
        var kinds = Captures.AllMessages().GroupBy(KindOf).ToDictionary(group => group.Key, group => group.Count());

        Assert.Equal(
            new Dictionary<string, int>
            {
                ["request"] = 248,
                ["reply"] = 226,
                ["lifecycle"] = 148,

                // Not Choria's envelopes: a name in a key-value bucket, and whatever was put into a stream.
                ["leader election"] = 20,
                ["stream"] = 17,
            },
            kinds);
    }

    [Fact]
    public void TryDecodeRequest_ReadsEveryCapturedRequest_ThatNodesRead()
    {
        var read = 0;
        foreach (var message in Captures.Requests())
        {
            var replySubject = ReplySubjectOf(message);
            var decoded = ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out var fault);
            if (FormFaults.TryGetValue(replySubject, out var field))
            {
                Assert.Equal(new ChoriaFault(ChoriaLayer.SecureRequest, field, fault!.Problem), fault);
                continue;
            }

            Assert.True(decoded, $"{message}: {fault}");
            AssertEqualsDecoded(message, request!);
            read++;
        }

        Assert.Equal(243, read);
    }

    [Fact]
    public void TryDecodeReply_ReadsEveryCapturedReply()
    {
        var read = 0;
        foreach (var message in Captures.Replies())
        {
            Assert.True(ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out var fault), $"{message}: {fault}");
            AssertEqualsDecoded(message, reply);
            read++;
        }

        Assert.Equal(226, read);
    }

    [Fact]
    public void EncodeRequest_MakesTheSameBytes_FromTheInputsOfEveryCapturedRequest()
    {
        foreach (var message in Captures.Requests())
        {
            if (ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _))
            {
                var signer = new RecordedSigner(request.Proof);
                var encoded = ChoriaEnvelope.EncodeRequest(request.Request, request.Headers, signer);
                Assert.Equal(Encoding.UTF8.GetString(message.Payload), Encoding.UTF8.GetString(encoded));
                Assert.Equal(request.Proof.SignedBytes.ToArray(), signer.Signed);
            }
        }
    }

    [Fact]
    public void EncodeReply_MakesTheSameBytes_FromTheInputsOfEveryCapturedUnsignedReply()
    {
        foreach (var message in Captures.Replies())
        {
            Assert.True(ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out _));
            if (reply.Proof is null)
            {
                var encoded = ChoriaEnvelope.EncodeReply(reply.Reply, reply.Headers);
                Assert.Equal(Encoding.UTF8.GetString(message.Payload), Encoding.UTF8.GetString(encoded));
            }
        }
    }

    [Fact]
    public void EncodeRequest_MakesTheSameBytes_WithTheCallersKeys()
    {
        using var keys = new CapturedKeys();
        var signed = 0;
        foreach (var message in Captures.Requests())
        {
            if (ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _) && keys.SignerOf(request.Proof) is { } signer)
            {
                var encoded = ChoriaEnvelope.EncodeRequest(request.Request, request.Headers, signer);
                Assert.Equal(Encoding.UTF8.GetString(message.Payload), Encoding.UTF8.GetString(encoded));
                signed++;
            }
        }

        Assert.Equal(208, signed);
    }

    [Fact]
    public void EncodeReply_MakesTheSameBytes_WithTheNodesKeys()
    {
        using var keys = new CapturedKeys();
        var signed = 0;
        foreach (var message in Captures.Replies())
        {
            Assert.True(ChoriaEnvelope.TryDecodeReply(message.Payload, out var reply, out _));
            if (reply.Proof is { } proof && keys.KeyOf(proof.SenderToken) is { } key)
            {
                var encoded = ChoriaEnvelope.EncodeReply(reply.Reply, reply.Headers, new ReplySigner(key, proof.SenderToken));
                Assert.Equal(Encoding.UTF8.GetString(message.Payload), Encoding.UTF8.GetString(encoded));
                signed++;
            }
        }

        Assert.Equal(31, signed);
    }

    private static string KindOf(CapturedMessage message)
    {
        foreach (var kind in new[] { "lifecycle", "stream", "leader election" })
        {
            if (message.Kind.StartsWith(kind, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return message.Kind.Contains(".request", StringComparison.Ordinal) ? "request" : "reply";
    }

    private static string ReplySubjectOf(CapturedMessage message)
    {
        var headers = message.Decoded["transport"]!["headers"]!;
        return (headers["reply"] ?? headers["reply-to"])!.GetValue<string>();
    }

    private static void AssertEqualsDecoded(CapturedMessage message, ReceivedRequest received)
    {
        var (request, json) = (received.Request, message.Decoded["request"]!);
        var fields = json["envelope"] ?? json;
        Assert.Equal(message.Kind.StartsWith("v1", StringComparison.Ordinal) ? ChoriaProtocol.V1 : ChoriaProtocol.V2, request.Protocol);
        Assert.Equal(Text(fields, "id", "requestid"), request.Id);
        Assert.Equal(Text(fields, "sender", "senderid"), request.Sender);
        Assert.Equal(Text(fields, "caller", "callerid"), request.Caller);
        Assert.Equal(Text(fields, "collective"), request.Collective);
        Assert.Equal(Text(fields, "agent"), request.Agent);
        Assert.Equal(fields["ttl"]!.GetValue<int>(), request.TimeToLiveSeconds);
        Assert.Equal(NanosecondsOf(fields, request.Protocol), request.UnixNanoseconds);
        Assert.Equal(ReplySubjectOf(message), received.Headers.ReplySubject);
    }

    private static void AssertEqualsDecoded(CapturedMessage message, ReceivedReply received)
    {
        var (reply, json) = (received.Reply, message.Decoded["reply"]!);
        var fields = json["envelope"] ?? json;
        Assert.Equal(Text(fields, "request", "requestid"), reply.RequestId);
        Assert.Equal(Text(fields, "sender", "senderid"), reply.Sender);
        Assert.Equal(Text(fields, "agent"), reply.Agent);
        Assert.Equal(NanosecondsOf(fields, reply.Protocol), reply.UnixNanoseconds);
        Assert.Equal(message.Decoded["secure"]!["signature"] is not null, received.Proof is not null);
    }

    private static long NanosecondsOf(JsonNode fields, ChoriaProtocol protocol) =>
        fields["time"]!.GetValue<long>() * (protocol == ChoriaProtocol.V1 ? 1_000_000_000 : 1);

    private static string Text(JsonNode fields, params string[] names) =>
        names.Select(name => fields[name]).First(value => value is not null)!.GetValue<string>();
}

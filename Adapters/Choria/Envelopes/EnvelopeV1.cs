namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

/// <summary>Secure and plain layers of protocol V1: the inner layer is a JSON string in the outer.</summary>
internal static class EnvelopeV1
{
    // Bytes that are no text cannot travel in V1; replacing them silently would change what is signed.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] WriteRequest(ChoriaRequest request, TransportHeaders headers, RequestSigner signer)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(request.Id.Length, ChoriaLimits.V1RequestIdCharacters, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TimeToLiveSeconds, ChoriaLimits.V1TimeToLiveSecondsMin, nameof(request));

        var secure = WriteSecureRequest(WritePlainRequest(request), signer);
        return Transport.Write(ChoriaProtocol.V1, secure, headers);
    }

    public static byte[] WritePlainRequest(ChoriaRequest request)
    {
        var envelope = new RequestEnvelopeV1(
            request.Id,
            request.Sender,
            request.Caller,
            request.Collective,
            request.Agent,
            request.TimeToLiveSeconds,
            Seconds(request.UnixNanoseconds),
            request.Filter);
        return WireJson.Write(
            new RequestV1(ProtocolIds.RequestV1, Strict.GetString(request.Body.Span), envelope), WireJson.Types.RequestV1);
    }

    /// <param name="request">The plain request, in UTF-8.</param>
    /// <param name="signer">Who signs.</param>
    public static byte[] WriteSecureRequest(ReadOnlySpan<byte> request, RequestSigner signer)
    {
        var seal = signer.Sign(ChoriaProtocol.V1, request);
        return WireJson.Write(
            new SecureRequestV1(ProtocolIds.SecureRequestV1, Strict.GetString(request), seal.Signature, seal.Credential),
            WireJson.Types.SecureRequestV1);
    }

    public static byte[] WriteReply(ChoriaReply reply, TransportHeaders headers)
    {
        var envelope = new ReplyEnvelopeV1(reply.RequestId, reply.Sender, reply.Agent, Seconds(reply.UnixNanoseconds));
        var inner = WireJson.Write(
            new ReplyV1(ProtocolIds.ReplyV1, Strict.GetString(reply.Body.Span), envelope), WireJson.Types.ReplyV1);
        var secure = new SecureReplyV1(ProtocolIds.SecureReplyV1, Encoding.UTF8.GetString(inner), SHA256.HashData(inner));
        return Transport.Write(ChoriaProtocol.V1, WireJson.Write(secure, WireJson.Types.SecureReplyV1), headers);
    }

    public static ReceivedRequest ReadRequest(Transport transport)
    {
        var secure = ProtocolIds.Read(
            transport.Secure, WireJson.Types.SecureRequestV1, ChoriaLayer.SecureRequest, ProtocolIds.SecureRequestV1);
        var signed = Encoding.UTF8.GetBytes(secure.Message);
        var proof = new RequestProof(ChoriaProtocol.V1, signed, secure.Signature, secure.Pubcert, null);
        return new ReceivedRequest(ReadPlainRequest(signed), transport.Headers, proof);
    }

    public static ReceivedReply ReadReply(Transport transport)
    {
        var secure = ProtocolIds.Read(
            transport.Secure, WireJson.Types.SecureReplyV1, ChoriaLayer.SecureReply, ProtocolIds.SecureReplyV1);
        var reply = Encoding.UTF8.GetBytes(secure.Message);
        EnvelopeHash.Require(reply, secure.Hash);
        return new ReceivedReply(ReadPlainReply(reply), transport.Headers, null);
    }

    public static ChoriaRequest ReadPlainRequest(ReadOnlySpan<byte> bytes)
    {
        var json = ProtocolIds.Read(bytes, WireJson.Types.RequestV1, ChoriaLayer.Request, ProtocolIds.RequestV1);
        var envelope = json.Envelope;
        WireJson.Require(
            envelope.Requestid.Length == ChoriaLimits.V1RequestIdCharacters,
            ChoriaLayer.Request,
            "envelope.requestid",
            $"is not of {ChoriaLimits.V1RequestIdCharacters} characters");
        WireJson.Require(
            envelope.Ttl >= ChoriaLimits.V1TimeToLiveSecondsMin,
            ChoriaLayer.Request,
            "envelope.ttl",
            $"is less than {ChoriaLimits.V1TimeToLiveSecondsMin}");
        envelope.Filter.RequireFacts("envelope.filter.fact");
        return new ChoriaRequest
        {
            Protocol = ChoriaProtocol.V1,
            Id = envelope.Requestid,
            Sender = envelope.Senderid,
            Caller = envelope.Callerid,
            Collective = envelope.Collective,
            Agent = envelope.Agent,
            TimeToLiveSeconds = envelope.Ttl,
            UnixNanoseconds = Nanoseconds(envelope.Time, ChoriaLayer.Request),
            Filter = envelope.Filter,
            Body = Encoding.UTF8.GetBytes(json.Message),
        };
    }

    private static ChoriaReply ReadPlainReply(byte[] bytes)
    {
        var json = ProtocolIds.Read(bytes, WireJson.Types.ReplyV1, ChoriaLayer.Reply, ProtocolIds.ReplyV1);
        return new ChoriaReply
        {
            Protocol = ChoriaProtocol.V1,
            RequestId = json.Envelope.Requestid,
            Sender = json.Envelope.Senderid,
            Agent = json.Envelope.Agent,
            UnixNanoseconds = Nanoseconds(json.Envelope.Time, ChoriaLayer.Reply),
            Body = Encoding.UTF8.GetBytes(json.Message),
        };
    }

    private static long Seconds(long unixNanoseconds) => Math.DivRem(unixNanoseconds, UnixTime.NanosecondsPerSecond).Quotient;

    private static long Nanoseconds(long seconds, ChoriaLayer layer)
    {
        WireJson.Require(
            seconds is >= -UnixTime.SecondsMax and <= UnixTime.SecondsMax,
            layer,
            "envelope.time",
            $"is not between {-UnixTime.SecondsMax} and {UnixTime.SecondsMax}");
        return seconds * UnixTime.NanosecondsPerSecond;
    }
}

internal sealed record SecureRequestV1(
    string Protocol, string Message, byte[] Signature, [property: JsonConverter(typeof(NonEmptyText))] string Pubcert) : IProtocolLayer;

internal sealed record SecureReplyV1(string Protocol, string Message, byte[] Hash) : IProtocolLayer;

internal sealed record RequestV1(string Protocol, string Message, RequestEnvelopeV1 Envelope) : IProtocolLayer;

internal sealed record ReplyV1(string Protocol, string Message, ReplyEnvelopeV1 Envelope) : IProtocolLayer;

internal sealed record RequestEnvelopeV1(
    string Requestid,
    [property: JsonConverter(typeof(NonEmptyText))] string Senderid,
    [property: JsonConverter(typeof(NonEmptyText))] string Callerid,
    [property: JsonConverter(typeof(NonEmptyText))] string Collective,
    [property: JsonConverter(typeof(NonEmptyText))] string Agent,
    int Ttl,
    long Time,
    ChoriaFilter Filter);

internal sealed record ReplyEnvelopeV1(
    [property: JsonConverter(typeof(NonEmptyText))] string Requestid,
    [property: JsonConverter(typeof(NonEmptyText))] string Senderid,
    [property: JsonConverter(typeof(NonEmptyText))] string Agent,
    long Time);

namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text.Json.Serialization;

/// <summary>Secure and plain layers of protocol V2: the inner layer is base64 in the outer.</summary>
internal static class EnvelopeV2
{
    public static byte[] WriteRequest(ChoriaRequest request, TransportHeaders headers, RequestSigner signer) =>
        Transport.Write(ChoriaProtocol.V2, WriteSecureRequest(WritePlainRequest(request), signer), headers);

    public static byte[] WritePlainRequest(ChoriaRequest request) => WireJson.Write(
        new RequestV2(
            ProtocolIds.RequestV2,
            request.Body.ToArray(),
            request.Id,
            request.Sender,
            request.Caller,
            request.Collective,
            request.Agent,
            request.TimeToLiveSeconds,
            request.UnixNanoseconds,
            request.Filter),
        WireJson.Types.RequestV2);

    public static byte[] WriteSecureRequest(byte[] request, RequestSigner signer)
    {
        var seal = signer.Sign(ChoriaProtocol.V2, request);
        return WireJson.Write(
            new SecureRequestV2(ProtocolIds.SecureRequestV2, request, seal.Signature, seal.Credential, seal.SignerToken),
            WireJson.Types.SecureRequestV2);
    }

    public static byte[] WriteReply(ChoriaReply reply, TransportHeaders headers, ReplySigner? signer)
    {
        var inner = WireJson.Write(
            new ReplyV2(ProtocolIds.ReplyV2, reply.Body.ToArray(), reply.RequestId, reply.Sender, reply.Agent, reply.UnixNanoseconds),
            WireJson.Types.ReplyV2);
        var secure = new SecureReplyV2(
            ProtocolIds.SecureReplyV2, inner, SHA256.HashData(inner), signer?.Key.Sign(inner), signer?.ServerToken);
        return Transport.Write(ChoriaProtocol.V2, WireJson.Write(secure, WireJson.Types.SecureReplyV2), headers);
    }

    public static ReceivedRequest ReadRequest(Transport transport)
    {
        var secure = ProtocolIds.Read(
            transport.Secure, WireJson.Types.SecureRequestV2, ChoriaLayer.SecureRequest, ProtocolIds.SecureRequestV2);
        var signer = string.IsNullOrEmpty(secure.Signer) ? null : secure.Signer;
        var proof = new RequestProof(ChoriaProtocol.V2, secure.Request, secure.Signature, secure.Caller, signer);
        return new ReceivedRequest(ReadPlainRequest(secure.Request), transport.Headers, proof);
    }

    public static ReceivedReply ReadReply(Transport transport)
    {
        var secure = ProtocolIds.Read(
            transport.Secure, WireJson.Types.SecureReplyV2, ChoriaLayer.SecureReply, ProtocolIds.SecureReplyV2);
        EnvelopeHash.Require(secure.Reply, secure.Hash);
        var proof = secure.Signature is not { Length: > 0 } && string.IsNullOrEmpty(secure.Sender)
            ? null
            : new ReplyProof(secure.Reply, secure.Signature ?? [], secure.Sender ?? "");
        return new ReceivedReply(ReadPlainReply(secure.Reply), transport.Headers, proof);
    }

    public static ChoriaRequest ReadPlainRequest(ReadOnlySpan<byte> bytes)
    {
        var json = ProtocolIds.Read(bytes, WireJson.Types.RequestV2, ChoriaLayer.Request, ProtocolIds.RequestV2);
        WireJson.Require(json.Ttl > 0, ChoriaLayer.Request, "ttl", "is less than 1");
        json.Filter?.RequireFacts("filter.fact");
        return new ChoriaRequest
        {
            Protocol = ChoriaProtocol.V2,
            Id = json.Id,
            Sender = json.Sender,
            Caller = json.Caller,
            Collective = json.Collective,
            Agent = json.Agent,
            TimeToLiveSeconds = json.Ttl,
            UnixNanoseconds = json.Time,
            Filter = json.Filter ?? ChoriaFilter.Everyone,
            Body = json.Message,
        };
    }

    private static ChoriaReply ReadPlainReply(byte[] bytes)
    {
        var json = ProtocolIds.Read(bytes, WireJson.Types.ReplyV2, ChoriaLayer.Reply, ProtocolIds.ReplyV2);
        return new ChoriaReply
        {
            Protocol = ChoriaProtocol.V2,
            RequestId = json.Request,
            Sender = json.Sender,
            Agent = json.Agent,
            UnixNanoseconds = json.Time,
            Body = json.Message,
        };
    }
}

internal sealed record SecureRequestV2(
    string Protocol,
    byte[] Request,
    byte[] Signature,
    [property: JsonConverter(typeof(NonEmptyText))] string Caller,
    string? Signer = null) : IProtocolLayer;

internal sealed record SecureReplyV2(
    string Protocol, byte[] Reply, byte[] Hash, byte[]? Signature = null, string? Sender = null) : IProtocolLayer;

internal sealed record RequestV2(
    string Protocol,
    byte[] Message,
    [property: JsonConverter(typeof(NonEmptyText))] string Id,
    [property: JsonConverter(typeof(NonEmptyText))] string Sender,
    [property: JsonConverter(typeof(NonEmptyText))] string Caller,
    [property: JsonConverter(typeof(NonEmptyText))] string Collective,
    [property: JsonConverter(typeof(NonEmptyText))] string Agent,
    int Ttl,
    long Time,
    ChoriaFilter? Filter = null) : IProtocolLayer;

internal sealed record ReplyV2(
    string Protocol,
    byte[] Message,
    [property: JsonConverter(typeof(NonEmptyText))] string Request,
    [property: JsonConverter(typeof(NonEmptyText))] string Sender,
    [property: JsonConverter(typeof(NonEmptyText))] string Agent,
    long Time) : IProtocolLayer;

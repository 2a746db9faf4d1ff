namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;

/// <summary>Secure and plain layers of protocol V1: the inner layer is a JSON string in the outer.</summary>
internal static class EnvelopeV1
{
    private static readonly WireFields SecureRequestFields = new(["protocol", "message", "signature", "pubcert"], []);
    private static readonly WireFields SecureReplyFields = new(["protocol", "message", "hash"], []);
    private static readonly WireFields PlainFields = new(["protocol", "message", "envelope"], []);
    private static readonly WireFields ReplyFields = new(["requestid", "senderid", "agent", "time"], [], "envelope.");
    private static readonly WireFields RequestFields = new(
        ["requestid", "senderid", "callerid", "collective", "agent", "ttl", "time", "filter"], [], "envelope.");

    // Bytes that are no text cannot travel in V1; replacing them silently would change what is signed.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] WriteRequest(ChoriaRequest request, TransportHeaders headers, RequestSigner signer)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(request.Id.Length, ChoriaLimits.V1RequestIdCharacters, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TimeToLiveSeconds, ChoriaLimits.V1TimeToLiveSecondsMin, nameof(request));

        using var inner = new WireWriter();
        inner.Raw("{\"protocol\":"u8).Text(ProtocolIds.RequestV1).Raw(",\"message\":"u8).Text(Strict.GetString(request.Body.Span));
        inner.Raw(",\"envelope\":{\"requestid\":"u8).Text(request.Id).Raw(",\"senderid\":"u8).Text(request.Sender);
        inner.Raw(",\"callerid\":"u8).Text(request.Caller).Raw(",\"collective\":"u8).Text(request.Collective);
        inner.Raw(",\"agent\":"u8).Text(request.Agent).Raw(",\"ttl\":"u8).Number(request.TimeToLiveSeconds);
        inner.Raw(",\"time\":"u8).Number(EnvelopeTime.Seconds(request.UnixNanoseconds)).Raw(",\"filter\":"u8);
        FilterJson.Write(inner, request.Filter);
        inner.Raw("}}"u8);

        var seal = signer.Sign(ChoriaProtocol.V1, inner.Written);
        using var secure = new WireWriter();
        secure.Raw("{\"protocol\":"u8).Text(ProtocolIds.SecureRequestV1);
        secure.Raw(",\"message\":"u8).Text(Encoding.UTF8.GetString(inner.Written));
        secure.Raw(",\"signature\":"u8).Text(seal.Signature).Raw(",\"pubcert\":"u8).Text(seal.Credential).Raw("}"u8);
        return TransportWriter.Write(ChoriaProtocol.V1, secure.Written, headers);
    }

    public static byte[] WriteReply(ChoriaReply reply, TransportHeaders headers)
    {
        using var inner = new WireWriter();
        inner.Raw("{\"protocol\":"u8).Text(ProtocolIds.ReplyV1).Raw(",\"message\":"u8).Text(Strict.GetString(reply.Body.Span));
        inner.Raw(",\"envelope\":{\"requestid\":"u8).Text(reply.RequestId).Raw(",\"senderid\":"u8).Text(reply.Sender);
        inner.Raw(",\"agent\":"u8).Text(reply.Agent).Raw(",\"time\":"u8).Number(EnvelopeTime.Seconds(reply.UnixNanoseconds));
        inner.Raw("}}"u8);

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(inner.Written, hash);
        using var secure = new WireWriter();
        secure.Raw("{\"protocol\":"u8).Text(ProtocolIds.SecureReplyV1);
        secure.Raw(",\"message\":"u8).Text(Encoding.UTF8.GetString(inner.Written));
        secure.Raw(",\"hash\":"u8).Base64(hash).Raw("}"u8);
        return TransportWriter.Write(ChoriaProtocol.V1, secure.Written, headers);
    }

    public static ReceivedRequest ReadRequest(Transport transport)
    {
        var cursor = new WireCursor(transport.Secure, ChoriaLayer.SecureRequest);
        byte[] request = [];
        byte[] signature = [];
        var certificate = "";
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(SecureRequestFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.SecureRequestV1);
                    break;
                case "message":
                    request = cursor.ReadUtf8();
                    break;
                case "signature":
                    signature = cursor.ReadBase64();
                    break;
                default:
                    certificate = cursor.ReadNonEmptyString();
                    break;
            }
        }

        cursor.End();
        var proof = new RequestProof(ChoriaProtocol.V1, request, signature, certificate, null);
        return new ReceivedRequest(ReadPlainRequest(request), transport.Headers, proof);
    }

    public static ReceivedReply ReadReply(Transport transport)
    {
        var cursor = new WireCursor(transport.Secure, ChoriaLayer.SecureReply);
        byte[] reply = [];
        byte[] hash = [];
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(SecureReplyFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.SecureReplyV1);
                    break;
                case "message":
                    reply = cursor.ReadUtf8();
                    break;
                default:
                    hash = cursor.ReadBase64();
                    break;
            }
        }

        cursor.End();
        EnvelopeHash.Require(reply, hash);
        return new ReceivedReply(ReadPlainReply(reply), transport.Headers, null);
    }

    private static ChoriaRequest ReadPlainRequest(ReadOnlySpan<byte> json)
    {
        var cursor = new WireCursor(json, ChoriaLayer.Request);
        var draft = new RequestDraft(ChoriaProtocol.V1);
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(PlainFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.RequestV1);
                    break;
                case "message":
                    draft.Body = cursor.ReadUtf8();
                    break;
                default:
                    var seenInside = 0u;
                    cursor.ExpectObject();
                    while (cursor.NextField(RequestFields, ref seenInside))
                    {
                        draft.ReadField(ref cursor);
                    }

                    break;
            }
        }

        cursor.End();
        return draft.ToRequest();
    }

    private static ChoriaReply ReadPlainReply(ReadOnlySpan<byte> json)
    {
        var cursor = new WireCursor(json, ChoriaLayer.Reply);
        var draft = new ReplyDraft(ChoriaProtocol.V1);
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(PlainFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.ReplyV1);
                    break;
                case "message":
                    draft.Body = cursor.ReadUtf8();
                    break;
                default:
                    var seenInside = 0u;
                    cursor.ExpectObject();
                    while (cursor.NextField(ReplyFields, ref seenInside))
                    {
                        draft.ReadField(ref cursor);
                    }

                    break;
            }
        }

        cursor.End();
        return draft.ToReply();
    }
}

namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;

/// <summary>Secure and plain layers of protocol V2: the inner layer is base64 in the outer.</summary>
internal static class EnvelopeV2
{
    private static readonly WireFields SecureRequestFields = new(["protocol", "request", "signature", "caller"], ["signer"]);
    private static readonly WireFields SecureReplyFields = new(["protocol", "reply", "hash"], ["signature", "sender"]);
    private static readonly WireFields ReplyFields = new(["protocol", "message", "request", "sender", "agent", "time"], []);
    private static readonly WireFields RequestFields = new(
        ["protocol", "message", "id", "sender", "caller", "collective", "agent", "ttl", "time"], ["filter"]);

    public static byte[] WriteRequest(ChoriaRequest request, TransportHeaders headers, RequestSigner signer)
    {
        using var inner = new WireWriter();
        inner.Raw("{\"protocol\":"u8).Text(ProtocolIds.RequestV2).Raw(",\"message\":"u8).Base64(request.Body.Span);
        inner.Raw(",\"id\":"u8).Text(request.Id).Raw(",\"sender\":"u8).Text(request.Sender);
        inner.Raw(",\"caller\":"u8).Text(request.Caller).Raw(",\"collective\":"u8).Text(request.Collective);
        inner.Raw(",\"agent\":"u8).Text(request.Agent).Raw(",\"ttl\":"u8).Number(request.TimeToLiveSeconds);
        inner.Raw(",\"time\":"u8).Number(request.UnixNanoseconds).Raw(",\"filter\":"u8);
        FilterJson.Write(inner, request.Filter);
        inner.Raw("}"u8);

        var seal = signer.Sign(ChoriaProtocol.V2, inner.Written);
        using var secure = new WireWriter();
        secure.Raw("{\"protocol\":"u8).Text(ProtocolIds.SecureRequestV2).Raw(",\"request\":"u8).Base64(inner.Written);
        secure.Raw(",\"signature\":"u8).Text(seal.Signature).Raw(",\"caller\":"u8).Text(seal.Credential);
        if (seal.SignerToken is { } signerToken)
        {
            secure.Raw(",\"signer\":"u8).Text(signerToken);
        }

        secure.Raw("}"u8);
        return TransportWriter.Write(ChoriaProtocol.V2, secure.Written, headers);
    }

    public static byte[] WriteReply(ChoriaReply reply, TransportHeaders headers, ReplySigner? signer)
    {
        using var inner = new WireWriter();
        inner.Raw("{\"protocol\":"u8).Text(ProtocolIds.ReplyV2).Raw(",\"message\":"u8).Base64(reply.Body.Span);
        inner.Raw(",\"request\":"u8).Text(reply.RequestId).Raw(",\"sender\":"u8).Text(reply.Sender);
        inner.Raw(",\"agent\":"u8).Text(reply.Agent).Raw(",\"time\":"u8).Number(reply.UnixNanoseconds).Raw("}"u8);

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(inner.Written, hash);
        using var secure = new WireWriter();
        secure.Raw("{\"protocol\":"u8).Text(ProtocolIds.SecureReplyV2).Raw(",\"reply\":"u8).Base64(inner.Written);
        secure.Raw(",\"hash\":"u8).Base64(hash);
        if (signer is not null)
        {
            secure.Raw(",\"signature\":"u8).Base64(signer.Key.Sign(inner.Written)).Raw(",\"sender\":"u8).Text(signer.ServerToken);
        }

        secure.Raw("}"u8);
        return TransportWriter.Write(ChoriaProtocol.V2, secure.Written, headers);
    }

    public static ReceivedRequest ReadRequest(Transport transport)
    {
        var cursor = new WireCursor(transport.Secure, ChoriaLayer.SecureRequest);
        byte[] request = [];
        byte[] signature = [];
        var caller = "";
        string? signer = null;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(SecureRequestFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.SecureRequestV2);
                    break;
                case "request":
                    request = cursor.ReadBase64();
                    break;
                case "signature":
                    signature = cursor.ReadBase64();
                    break;
                case "caller":
                    caller = cursor.ReadNonEmptyString();
                    break;
                default:
                    signer = cursor.ReadString();
                    break;
            }
        }

        cursor.End();
        var proof = new RequestProof(ChoriaProtocol.V2, request, signature, caller, string.IsNullOrEmpty(signer) ? null : signer);
        return new ReceivedRequest(ReadPlainRequest(request), transport.Headers, proof);
    }

    public static ReceivedReply ReadReply(Transport transport)
    {
        var cursor = new WireCursor(transport.Secure, ChoriaLayer.SecureReply);
        byte[] reply = [];
        byte[] hash = [];
        byte[] signature = [];
        var sender = "";
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(SecureReplyFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.SecureReplyV2);
                    break;
                case "reply":
                    reply = cursor.ReadBase64();
                    break;
                case "hash":
                    hash = cursor.ReadBase64();
                    break;
                case "signature":
                    signature = cursor.ReadBase64();
                    break;
                default:
                    sender = cursor.ReadString();
                    break;
            }
        }

        cursor.End();
        EnvelopeHash.Require(reply, hash);
        var proof = signature.Length == 0 && sender.Length == 0 ? null : new ReplyProof(reply, signature, sender);
        return new ReceivedReply(ReadPlainReply(reply), transport.Headers, proof);
    }

    private static ChoriaRequest ReadPlainRequest(ReadOnlySpan<byte> json)
    {
        var cursor = new WireCursor(json, ChoriaLayer.Request);
        var draft = new RequestDraft(ChoriaProtocol.V2);
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(RequestFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.RequestV2);
                    break;
                case "message":
                    draft.Body = cursor.ReadBase64();
                    break;
                default:
                    draft.ReadField(ref cursor);
                    break;
            }
        }

        cursor.End();
        return draft.ToRequest();
    }

    private static ChoriaReply ReadPlainReply(ReadOnlySpan<byte> json)
    {
        var cursor = new WireCursor(json, ChoriaLayer.Reply);
        var draft = new ReplyDraft(ChoriaProtocol.V2);
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(ReplyFields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    cursor.RequireText(ProtocolIds.ReplyV2);
                    break;
                case "message":
                    draft.Body = cursor.ReadBase64();
                    break;
                default:
                    draft.ReadField(ref cursor);
                    break;
            }
        }

        cursor.End();
        return draft.ToReply();
    }
}

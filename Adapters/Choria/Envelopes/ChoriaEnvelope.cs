namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

/// <summary>
/// The three nested layers of a Choria message, both ways: NATS payload = transport(secure(request or reply)). Pure and
/// thread-safe; nothing here verifies who sent a message, see <see cref="RequestVerification"/> and <see cref="ReplyVerification"/>.
/// </summary>
public static class ChoriaEnvelope
{
    /// <summary>The NATS payload of a request, for <see cref="ChoriaSubjects.Node"/> or another subject of the agent.</summary>
    /// <param name="request">What to ask.</param>
    /// <param name="headers">Where the reply shall go, and the sender.</param>
    /// <param name="signer">How the caller proves itself.</param>
    /// <exception cref="ArgumentException">A node would drop the request for its form, or the signer is of the other protocol.</exception>
    public static byte[] EncodeRequest(ChoriaRequest request, TransportHeaders headers, RequestSigner signer)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(headers);
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.TimeToLiveSeconds, 1, nameof(request));
        return request.Protocol == ChoriaProtocol.V1
            ? EnvelopeV1.WriteRequest(request, headers, signer)
            : EnvelopeV2.WriteRequest(request, headers, signer);
    }

    /// <summary>The NATS payload of a reply, to be published to the reply subject in the headers of the request.</summary>
    /// <param name="reply">What to answer.</param>
    /// <param name="headers">Usually <see cref="TransportHeaders.ForReply"/> of the request's headers.</param>
    /// <param name="signer">Null for V1 and for nodes in provisioning mode.</param>
    /// <exception cref="ArgumentException">A signer is given for V1.</exception>
    public static byte[] EncodeReply(ChoriaReply reply, TransportHeaders headers, ReplySigner? signer = null)
    {
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentNullException.ThrowIfNull(headers);
        if (reply.Protocol == ChoriaProtocol.V1)
        {
            return signer is null
                ? EnvelopeV1.WriteReply(reply, headers)
                : throw new ArgumentException("protocol V1 replies are never signed", nameof(signer));
        }

        return EnvelopeV2.WriteReply(reply, headers, signer);
    }

    /// <summary>Reads a request of either protocol, as strictly as a node does. Never throws for what the payload may hold.</summary>
    public static bool TryDecodeRequest(
        ReadOnlySpan<byte> payload,
        [NotNullWhen(true)] out ReceivedRequest? request,
        [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(payload, ReadRequest, out request, out fault);

    /// <summary>
    /// Reads a reply of either protocol and checks its hash. Never throws for what the payload may hold. Whether it is the reply to
    /// a request that was made, from whom it was asked, is for the caller to compare.
    /// </summary>
    public static bool TryDecodeReply(
        ReadOnlySpan<byte> payload,
        [NotNullWhen(true)] out ReceivedReply? reply,
        [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(payload, ReadReply, out reply, out fault);

    private static ReceivedRequest ReadRequest(ReadOnlySpan<byte> payload)
    {
        var transport = Transport.Read(payload);
        return transport.Protocol == ChoriaProtocol.V1 ? EnvelopeV1.ReadRequest(transport) : EnvelopeV2.ReadRequest(transport);
    }

    private static ReceivedReply ReadReply(ReadOnlySpan<byte> payload)
    {
        var transport = Transport.Read(payload);
        return transport.Protocol == ChoriaProtocol.V1 ? EnvelopeV1.ReadReply(transport) : EnvelopeV2.ReadReply(transport);
    }
}

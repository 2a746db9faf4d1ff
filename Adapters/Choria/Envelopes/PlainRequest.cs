namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;

/// <summary>A request before anybody signed it, as clients hand it to a remote signer: the innermost layer alone.</summary>
/// <param name="Request">What is asked.</param>
/// <param name="Bytes">The same as it was written: what a signature is made over.</param>
public sealed record PlainRequest(ChoriaRequest Request, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Reads a request of either protocol, as strictly as a node does. Never throws for what the bytes may hold.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out PlainRequest? request, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(bytes, Read, out request, out fault);

    /// <summary>The same in another caller's name; written anew only where the name changes.</summary>
    public PlainRequest InNameOf(string caller)
    {
        ArgumentException.ThrowIfNullOrEmpty(caller);
        if (caller == Request.Caller)
        {
            return this;
        }

        var renamed = Request with { Caller = caller };
        return new PlainRequest(
            renamed, Request.Protocol == ChoriaProtocol.V1 ? EnvelopeV1.WritePlainRequest(renamed) : EnvelopeV2.WritePlainRequest(renamed));
    }

    /// <summary>The secure request: the JSON that goes into a transport message, or back to who asked for the signature.</summary>
    /// <exception cref="ArgumentException">The signer is of the other protocol.</exception>
    public byte[] Seal(RequestSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return Request.Protocol == ChoriaProtocol.V1
            ? EnvelopeV1.WriteSecureRequest(Bytes.Span, signer)
            : EnvelopeV2.WriteSecureRequest(Bytes.ToArray(), signer);
    }

    private static PlainRequest Read(ReadOnlyMemory<byte> bytes)
    {
        // Text that is not well-formed would be signed as it is here, and read as something else by others.
        WireJson.Require(Utf8.IsValid(bytes.Span), ChoriaLayer.Request, "", "is not UTF-8");
        var head = WireJson.Read(bytes.Span, WireJson.Types.ProtocolHead, ChoriaLayer.Request);
        return new PlainRequest(
            head.Protocol == ProtocolIds.RequestV1 ? EnvelopeV1.ReadPlainRequest(bytes.Span) : EnvelopeV2.ReadPlainRequest(bytes.Span),
            bytes);
    }
}

/// <summary>The one member that all layers of all protocols have.</summary>
internal sealed record ProtocolHead(string Protocol);

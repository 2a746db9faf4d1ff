namespace ControlPlane.Adapters.Choria;

/// <summary>The outermost layer, opened.</summary>
internal sealed record Transport(ChoriaProtocol Protocol, byte[] Secure, TransportHeaders Headers);

internal static class TransportReader
{
    private static readonly WireFields Fields = new(["protocol", "data"], ["headers"]);
    private static readonly WireFields HeadersV1 = new([], ["reply-to", "mc_sender", "seen-by", "federation"], "headers.");
    private static readonly WireFields HeadersV2 = new([], ["reply", "sender", "trace", "federation"], "headers.");
    private static readonly WireFields FederationV1 = new([], ["req", "reply-to", "target"], "headers.federation.");
    private static readonly WireFields FederationV2 = new([], ["request", "reply", "targets"], "headers.federation.");

    public static Transport Read(ReadOnlySpan<byte> payload)
    {
        var cursor = new WireCursor(payload, ChoriaLayer.Transport);
        string protocol = "";
        byte[] secure = [];
        ReadOnlySpan<byte> headers = default;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            switch (cursor.Field)
            {
                case "protocol":
                    protocol = cursor.ReadString();
                    break;
                case "data":
                    secure = cursor.ReadBase64();
                    break;
                default:
                    cursor.ExpectObject();
                    headers = cursor.ReadRaw(out _);
                    break;
            }
        }

        cursor.End();
        var version = VersionOf(protocol);
        return new Transport(version, secure, headers.IsEmpty ? TransportHeaders.None : ReadHeaders(headers, version));
    }

    private static ChoriaProtocol VersionOf(string protocol) => protocol switch
    {
        ProtocolIds.TransportV1 => ChoriaProtocol.V1,
        ProtocolIds.TransportV2 => ChoriaProtocol.V2,
        _ => throw new ChoriaFormatException(
            new ChoriaFault(ChoriaLayer.Transport, "protocol", "is not that of a transport message")),
    };

    // The names of the headers depend on the protocol, which may stand behind them: JSON has no order. Hence the second pass.
    private static TransportHeaders ReadHeaders(ReadOnlySpan<byte> json, ChoriaProtocol version)
    {
        var cursor = new WireCursor(json, ChoriaLayer.Transport);
        var headers = TransportHeaders.None;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(version == ChoriaProtocol.V1 ? HeadersV1 : HeadersV2, ref seen))
        {
            headers = cursor.Field switch
            {
                "reply" or "reply-to" => headers with { ReplySubject = cursor.ReadString() },
                "sender" or "mc_sender" => headers with { Sender = cursor.ReadString() },
                "federation" => headers with { Federation = ReadFederation(ref cursor, version) },
                _ => headers with { Trace = ReadTrace(ref cursor) },
            };
        }

        return headers;
    }

    private static List<TraceHop> ReadTrace(ref WireCursor cursor)
    {
        const int hopParts = 3;
        var hops = new List<TraceHop>();
        cursor.ExpectArray();
        while (cursor.NextElement())
        {
            var hop = cursor.ReadStrings();
            if (hop.Count != hopParts)
            {
                throw cursor.Fault("has a hop that is not of three parts");
            }

            hops.Add(new TraceHop(hop[0], hop[1], hop[2]));
        }

        return hops;
    }

    private static FederationHeader ReadFederation(ref WireCursor cursor, ChoriaProtocol version)
    {
        var federation = new FederationHeader(null, null, []);
        var seen = 0u;
        cursor.ExpectObject();
        while (cursor.NextField(version == ChoriaProtocol.V1 ? FederationV1 : FederationV2, ref seen))
        {
            federation = cursor.Field switch
            {
                "req" or "request" => federation with { RequestId = cursor.ReadString() },
                "reply" or "reply-to" => federation with { ReplySubject = cursor.ReadString() },
                _ => federation with { Targets = cursor.ReadStrings() },
            };
        }

        return federation;
    }
}

namespace ControlPlane.Adapters.Choria;

internal static class TransportWriter
{
    public static byte[] Write(ChoriaProtocol version, ReadOnlySpan<byte> secure, TransportHeaders headers)
    {
        using var writer = new WireWriter();
        writer.Raw("{\"protocol\":"u8).Text(version == ChoriaProtocol.V1 ? ProtocolIds.TransportV1 : ProtocolIds.TransportV2);
        writer.Raw(",\"data\":"u8).Base64(secure).Raw(",\"headers\":{"u8);
        WriteHeaders(writer, version, headers);
        return writer.Raw("}}"u8).ToArray();
    }

    private static void WriteHeaders(WireWriter writer, ChoriaProtocol version, TransportHeaders headers)
    {
        var names = version == ChoriaProtocol.V1 ? HeaderNames.V1 : HeaderNames.V2;
        var separator = false;
        if (headers.ReplySubject is { } reply)
        {
            Name(writer, names.Reply, ref separator).Text(reply);
        }

        if (headers.Sender is { } sender)
        {
            Name(writer, names.Sender, ref separator).Text(sender);
        }

        if (headers.Trace.Count > 0)
        {
            WriteTrace(Name(writer, names.Trace, ref separator), headers.Trace);
        }

        if (headers.Federation is { } federation)
        {
            WriteFederation(Name(writer, "federation", ref separator), names, federation);
        }
    }

    private static void WriteTrace(WireWriter writer, IReadOnlyList<TraceHop> trace)
    {
        var separator = false;
        writer.Raw("["u8);
        foreach (var hop in trace)
        {
            writer.Raw(separator ? ","u8 : []).Texts([hop.In, hop.Processor, hop.Out]);
            separator = true;
        }

        writer.Raw("]"u8);
    }

    private static void WriteFederation(WireWriter writer, HeaderNames names, FederationHeader federation)
    {
        var separator = false;
        writer.Raw("{"u8);
        if (federation.RequestId is { } request)
        {
            Name(writer, names.FederationRequest, ref separator).Text(request);
        }

        if (federation.ReplySubject is { } reply)
        {
            Name(writer, names.Reply, ref separator).Text(reply);
        }

        if (federation.Targets.Count > 0)
        {
            Name(writer, names.FederationTargets, ref separator).Texts(federation.Targets);
        }

        writer.Raw("}"u8);
    }

    private static WireWriter Name(WireWriter writer, string name, ref bool separator)
    {
        writer.Raw(separator ? ","u8 : []).Text(name).Raw(":"u8);
        separator = true;
        return writer;
    }

    private sealed record HeaderNames(string Reply, string Sender, string Trace, string FederationRequest, string FederationTargets)
    {
        public static HeaderNames V1 { get; } = new("reply-to", "mc_sender", "seen-by", "req", "target");

        public static HeaderNames V2 { get; } = new("reply", "sender", "trace", "request", "targets");
    }
}

namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>The outermost layer, opened.</summary>
internal sealed record Transport(ChoriaProtocol Protocol, byte[] Secure, TransportHeaders Headers)
{
    public static Transport Read(ReadOnlySpan<byte> payload)
    {
        var json = WireJson.Read(payload, WireJson.Types.TransportJson, ChoriaLayer.Transport);
        WireJson.Require(
            json.Protocol is ProtocolIds.TransportV1 or ProtocolIds.TransportV2,
            ChoriaLayer.Transport,
            "protocol",
            "is not that of a transport message");
        var version = json.Protocol == ProtocolIds.TransportV1 ? ChoriaProtocol.V1 : ChoriaProtocol.V2;
        return new Transport(version, json.Data, json.Headers?.Open(version) ?? TransportHeaders.None);
    }

    public static byte[] Write(ChoriaProtocol version, byte[] secure, TransportHeaders headers) => WireJson.Write(
        new TransportJson(
            version == ChoriaProtocol.V1 ? ProtocolIds.TransportV1 : ProtocolIds.TransportV2, secure, HeadersJson.Of(headers, version)),
        WireJson.Types.TransportJson);
}

internal sealed record TransportJson(string Protocol, byte[] Data, HeadersJson? Headers = null);

/// <summary>The headers under the names of both protocols, which may stand before that of the protocol.</summary>
internal sealed record HeadersJson(
    [property: JsonPropertyName("reply-to")] string? ReplyTo = null,
    string? McSender = null,
    [property: JsonPropertyName("seen-by")] IReadOnlyList<TraceHop>? SeenBy = null,
    string? Reply = null,
    string? Sender = null,
    IReadOnlyList<TraceHop>? Trace = null,
    FederationJson? Federation = null)
{
    public static HeadersJson Of(TransportHeaders headers, ChoriaProtocol version)
    {
        var trace = headers.Trace.Count > 0 ? headers.Trace : null;
        return version == ChoriaProtocol.V1
            ? new(headers.ReplySubject, headers.Sender, trace, Federation: FederationJson.Of(headers.Federation, version))
            : new(
                Reply: headers.ReplySubject,
                Sender: headers.Sender,
                Trace: trace,
                Federation: FederationJson.Of(headers.Federation, version));
    }

    public TransportHeaders Open(ChoriaProtocol version) => version == ChoriaProtocol.V1
        ? new(ReplyTo, McSender) { Trace = SeenBy ?? [], Federation = Federation?.Open(version) }
        : new(Reply, Sender) { Trace = Trace ?? [], Federation = Federation?.Open(version) };
}

internal sealed record FederationJson(
    string? Req = null,
    [property: JsonPropertyName("reply-to")] string? ReplyTo = null,
    IReadOnlyList<string>? Target = null,
    string? Request = null,
    string? Reply = null,
    IReadOnlyList<string>? Targets = null)
{
    public static FederationJson? Of(FederationHeader? header, ChoriaProtocol version) =>
        header is not { RequestId: var request, ReplySubject: var reply, Targets: var targets } ? null
        : version == ChoriaProtocol.V1 ? new(request, reply, targets.Count > 0 ? targets : null)
        : new(Request: request, Reply: reply, Targets: targets.Count > 0 ? targets : null);

    public FederationHeader Open(ChoriaProtocol version) =>
        version == ChoriaProtocol.V1 ? new(Req, ReplyTo, Target ?? []) : new(Request, Reply, Targets ?? []);
}

/// <summary>A hop is a list of three texts.</summary>
internal sealed class TraceHopConverter : JsonConverter<TraceHop>
{
    public override bool HandleNull => true;

    public override TraceHop Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TextsConverter.ReadTexts(ref reader) is [var @in, var processor, var @out]
            ? new TraceHop(@in, processor, @out)
            : throw new JsonException("is not of three parts");

    public override void Write(Utf8JsonWriter writer, TraceHop value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(value.In);
        writer.WriteStringValue(value.Processor);
        writer.WriteStringValue(value.Out);
        writer.WriteEndArray();
    }
}

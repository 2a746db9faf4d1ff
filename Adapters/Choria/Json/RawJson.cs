namespace ControlPlane.Adapters.Choria;

using System.Text.Json;
using System.Text.Json.Serialization;

/// <summary>A JSON value that passes as it stands: read, it is a place in what is read; written, it is the bytes.</summary>
[JsonConverter(typeof(RawJsonConverter))]
internal readonly record struct RawJson(ReadOnlyMemory<byte> Bytes, Range Place = default)
{
    public ReadOnlyMemory<byte> In(ReadOnlyMemory<byte> json) => json[Place];

    /// <summary>The value, which must be an object.</summary>
    public ReadOnlyMemory<byte> ObjectIn(ReadOnlyMemory<byte> json, ChoriaLayer layer, string field)
    {
        var value = In(json);
        WireJson.Require(value.Span[0] == (byte)'{', layer, field, "is not an object");
        return value;
    }
}

internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var start = checked((int)reader.TokenStartIndex);
        reader.Skip();
        return new RawJson(default, start..checked((int)reader.BytesConsumed));
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Bytes.Span);
}

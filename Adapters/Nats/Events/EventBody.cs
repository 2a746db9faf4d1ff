using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Serialization;
using Orleans.Serialization.TypeSystem;

namespace ControlPlane.Adapters.Nats;

/// <summary>The events of one publish, and the request context that went with it.</summary>
[GenerateSerializer, Alias("ControlPlane.Adapters.Nats.EventBody")]
internal sealed record EventBody([property: Id(0)] object[] Events, [property: Id(1)] Dictionary<string, object>? RequestContext);

/// <summary>Writes and reads the bodies of event messages.</summary>
internal sealed class EventBodySerializer(Serializer<EventBody> orleans, TypeConverter types)
{
    public byte[] Write(EventBody body, JetStreamEventBody format) => format switch
    {
        JetStreamEventBody.Json => JsonSerializer.SerializeToUtf8Bytes(new JsonBody(
            [.. body.Events.Select(
                one => new JsonEvent(types.Format(one.GetType()), JsonSerializer.SerializeToElement(one, one.GetType())))],
            body.RequestContext?.Where(entry => entry.Value is string).ToDictionary(entry => entry.Key, entry => (string)entry.Value))),
        _ => orleans.SerializeToArray(body),
    };

    /// <exception cref="FormatException">The schema is not known, or the body is not of it.</exception>
    public EventBody Read(ReadOnlyMemory<byte> body, string schema)
    {
        switch (schema)
        {
            case EventHeaders.OrleansSchema:
                return orleans.Deserialize(body) ?? throw new FormatException("the body is empty");

            case EventHeaders.JsonSchema:
                var read = JsonSerializer.Deserialize<JsonBody>(body.Span) ?? throw new FormatException("the body is empty");
                return new EventBody(
                    [.. read.Events.Select(Read)], read.RequestContext?.ToDictionary(entry => entry.Key, entry => (object)entry.Value));

            default:
                throw new FormatException($"the schema '{schema}' is not known");
        }
    }

    // Only types that Orleans knows as serializable here: a message cannot name any other.
    private object Read(JsonEvent one) =>
        one.Value.Deserialize(types.Parse(one.Type)) ?? throw new FormatException($"an event of type '{one.Type}' is null");

    private sealed record JsonBody(
        [property: JsonPropertyName("events")] JsonEvent[] Events,
        [property: JsonPropertyName("context")] Dictionary<string, string>? RequestContext);

    private sealed record JsonEvent(
        [property: JsonPropertyName("type")] string Type,
        [property: JsonPropertyName("value")] JsonElement Value);
}

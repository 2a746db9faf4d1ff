using System.Diagnostics;
using NATS.Client.Core;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>What the headers of an event's message say.</summary>
internal static class EventHeaders
{
    /// <summary>
    /// The namespace and the key of the Orleans stream, in the reversible encoding of names. Without namespace: no such header.
    /// </summary>
    public const string Namespace = "Orleans-Namespace";
    public const string Key = "Orleans-Key";

    /// <summary>How the body is written, with the version of that.</summary>
    public const string Schema = "Orleans-Schema";
    public const string OrleansSchema = "orleans/1";
    public const string JsonSchema = "json/1";

    /// <summary>The W3C trace context of who published.</summary>
    public const string TraceParent = "traceparent";

    public static NatsHeaders Write(StreamId stream, string schema, string messageId)
    {
        var headers = new NatsHeaders
        {
            [Key] = JetStreamSubject.Encode(stream.Key.Span),
            [Schema] = schema,
            [JetStreamStore.MessageId] = messageId,
        };
        if (!stream.Namespace.IsEmpty)
        {
            headers[Namespace] = JetStreamSubject.Encode(stream.Namespace.Span);
        }

        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } traceParent })
        {
            headers[TraceParent] = traceParent;
        }

        return headers;
    }

    /// <summary>The stream that the headers name; null when they do not.</summary>
    public static StreamId? ReadStream(NatsHeaders? headers)
    {
        if (headers is null
            || !headers.TryGetLastValue(Key, out var encodedKey)
            || JetStreamSubject.DecodeOrNull(encodedKey) is not { } key)
        {
            return null;
        }

        if (!headers.TryGetLastValue(Namespace, out var encodedNamespace))
        {
            return StreamId.Create(default, key);
        }

        return JetStreamSubject.DecodeOrNull(encodedNamespace) is { } streamNamespace ? StreamId.Create(streamNamespace, key) : null;
    }
}

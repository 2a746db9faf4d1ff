using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Adapters.Nats;

/// <summary>How a provider keeps the typed events that are published to it. The JetStream stream is made at the first start.</summary>
public sealed class JetStreamEventsOptions
{
    /// <summary>What the names of the queues of the provider's own events begin with; the partition's number follows.</summary>
    public const string QueuePrefix = "events-";

    /// <summary>How events are written. Both are always read. Orleans by default.</summary>
    public JetStreamEventBody Body { get; set; } = JetStreamEventBody.Orleans;

    /// <summary>How long events are kept: how far back a reader can go. 1 minute to 1 year; 1 day by default.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "366.00:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many bytes are kept before the oldest go. 1 MiB or more; 1 GiB by default.</summary>
    [Range(1L << 20, 1L << 50)]
    public long BytesMax { get; set; } = 1L << 30;

    /// <summary>Whether events are kept in memory only. False by default: on disk.</summary>
    public bool InMemory { get; set; }

    /// <summary>
    /// How long a publish is tried before it fails, with the same message id. 1 second to 5 minutes; 10 seconds by default.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>How the body of an event's message is written.</summary>
public enum JetStreamEventBody
{
    /// <summary>Orleans' binary serialization: compact, tolerant of new members.</summary>
    Orleans = 0,

    /// <summary>JSON, with each event's Orleans alias as its type: readable for programs that do not run Orleans.</summary>
    Json = 1,
}

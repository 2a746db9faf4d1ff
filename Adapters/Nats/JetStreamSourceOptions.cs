using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Adapters.Nats;

/// <summary>A JetStream stream that other programs write and the provider reads.</summary>
public sealed class JetStreamSourceOptions
{
    /// <summary>
    /// The source's name: in the decoder's messages, metrics, dead letters and the consumer's name. Not empty, unique in the
    /// provider.
    /// </summary>
    public string Name { get; set; } = "";

    /// <summary>The key of its connection; null, the default, for the provider's own.</summary>
    public string? ConnectionKey { get; set; }

    /// <summary>The JetStream stream's name, such as <c>CHORIA_EVENTS</c>. Not empty.</summary>
    public string JetStream { get; set; } = "";

    /// <summary>The subjects that are read, wildcards allowed; all of the stream when empty, the default.</summary>
    public IList<string> Subjects { get; } = [];

    /// <summary>The key under which the source's <see cref="IJetStreamDecoder"/> is registered. Not empty.</summary>
    public string DecoderKey { get; set; } = "";

    /// <summary>
    /// How to make the JetStream stream when the server does not have it; null, the default, to wait until somebody does.
    /// </summary>
    public JetStreamCreation? Create { get; set; }

    /// <summary>Where the very first read begins; afterwards the position is kept on the server. The oldest message by default.</summary>
    public JetStreamStart Start { get; set; } = JetStreamStart.Oldest;
}

/// <summary>Where a source that was never read begins.</summary>
public enum JetStreamStart
{
    /// <summary>With the oldest message that the stream holds.</summary>
    Oldest = 0,

    /// <summary>With the first message that is stored after the silo came.</summary>
    Now = 1,
}

/// <summary>A JetStream stream to make. One that exists is never changed.</summary>
public sealed class JetStreamCreation
{
    /// <summary>The subjects that it captures. At least one.</summary>
    public IList<string> Subjects { get; } = [];

    /// <summary>How long messages are kept. 1 minute to 1 year; 1 day by default.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "366.00:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many bytes are kept before the oldest go. 1 MiB or more; 1 GiB by default.</summary>
    [Range(1L << 20, 1L << 50)]
    public long BytesMax { get; set; } = 1L << 30;

    /// <summary>Copies in a JetStream cluster. 1 to 5; 1 by default, 3 on a cluster.</summary>
    [Range(1, 5)]
    public int Replicas { get; set; } = 1;

    /// <summary>Whether messages are kept in memory only. False by default: on disk.</summary>
    public bool InMemory { get; set; }
}

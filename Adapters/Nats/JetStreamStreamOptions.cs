using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Nats;

/// <summary>One stream provider over JetStream. Named options: the name is the provider's.</summary>
/// <remarks>
/// Everything that the provider makes on a server is named after the cluster's ServiceId and the provider's name, so that
/// several clusters can share a server.
/// </remarks>
public sealed class JetStreamStreamOptions
{
    /// <summary>
    /// The key under which the <see cref="NATS.Client.Core.INatsConnection"/> is registered; null, the default, for the one
    /// without a key.
    /// </summary>
    public string? ConnectionKey { get; set; }

    /// <summary>The namespace of the partition streams that the sources feed. Not empty.</summary>
    public string Namespace { get; set; } = "events";

    /// <summary>
    /// How many partitions identities are spread over. 1 to 1024; 16 by default. At least four times the number of silos to
    /// come: it is recorded on the server at the first start and cannot be changed afterwards without draining the streams.
    /// </summary>
    [Range(1, 1024)]
    public int Partitions { get; set; } = 16;

    /// <summary>The JetStream streams that are read, each by one queue. May be empty. At most 64, with different names.</summary>
    public IList<JetStreamSourceOptions> Sources { get; } = [];

    /// <summary>
    /// The provider's own typed events: what grains and clients publish to its streams, of any namespace and key. Null, the
    /// default, for a provider that only reads its sources.
    /// </summary>
    [ValidateObjectMembers]
    public JetStreamEventsOptions? Events { get; set; }

    /// <summary>
    /// How many messages of a queue may be on their way at once, from the server's delivery to its acknowledgement: the bound
    /// of the memory, and the most that is delivered again after a crash. 64 to 65536; 8192 by default.
    /// </summary>
    [Range(64, 65_536)]
    public int WindowMessagesMax { get; set; } = 8192;

    /// <summary>
    /// The same bound in bytes of messages, headers included. 1 MiB to 1 GiB; 32 MiB by default. One message may exceed it alone.
    /// </summary>
    [Range(1 << 20, 1 << 30)]
    public int WindowBytesMax { get; set; } = 32 << 20;

    /// <summary>How many events are handed to a consumer in one call. 1 to 4096; 256 by default.</summary>
    [Range(1, 4096)]
    public int BatchEventsMax { get; set; } = 256;

    /// <summary>
    /// How long the server waits for an acknowledgement before it delivers a message again. 1 second to 1 hour; 1 minute by
    /// default. What is still held is reported as in progress at a third of it, so that slow consumers are no reason to raise it.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan AckWait { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long a failing delivery is tried again; then its events are tried one by one, each as long, and the one that fails
    /// alone becomes a dead letter. 1 second to 1 hour; 30 seconds by default. Longer than the cluster takes to replace a silo.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan DeliveryRetryTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often a failing delivery is tried before that time is over; whichever limit is met first ends it. 1 to 1000; 10 by default,
    /// which takes about as long. The waits in between double, from a quarter of a second to 5 seconds.
    /// </summary>
    [Range(1, 1000)]
    public int DeliveryAttemptsMax { get; set; } = 10;

    /// <summary>
    /// How many silos may die with the same message being handled and no other before it becomes a dead letter. It is only counted after
    /// two owners of its queue died in a row: from then on what was on its way is handled one message at a time. 1 to 100; 3 by default.
    /// </summary>
    [Range(1, 100)]
    public int CrashAttemptsMax { get; set; } = 3;

    /// <summary>
    /// How long the silo's start waits for a server that does not answer. 0 to 10 minutes; 15 seconds by default. After it the
    /// silo starts without: the queues report that they are not ready, and go on by themselves when the server is there.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Copies of the JetStream streams that the provider makes for itself (positions, dead letters). 1 to 5; 1 by default, 3 on a
    /// cluster.
    /// </summary>
    [Range(1, 5)]
    public int Replicas { get; set; } = 1;

    /// <summary>How long dead letters are kept. 1 hour to 1 year; 30 days by default.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "366.00:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan DeadLettersMaxAge { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How many bytes of dead letters are kept before the oldest go. 1 MiB or more; 256 MiB by default.</summary>
    [Range(1L << 20, 1L << 40)]
    public long DeadLettersBytesMax { get; set; } = 256L << 20;
}

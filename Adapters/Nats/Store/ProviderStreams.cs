using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>The JetStream streams that a provider makes for itself: what each keeps, and how much.</summary>
internal static class ProviderStreams
{
    // A thousand partitions need one of it. Given because accounts can demand a limit of every stream.
    private const long StateBytesMax = 16L << 20;

    public static StreamConfig State(ProviderNames names, int replicas) => new(names.StateJetStream, [names.StateSubjects])
    {
        Description = "Orleans stream provider: positions and settings",
        MaxMsgsPerSubject = 1,
        MaxBytes = StateBytesMax,
        NumReplicas = replicas,
    };

    public static StreamConfig DeadLetters(ProviderNames names, JetStreamStreamOptions options) =>
        new(names.DeadJetStream, [names.DeadSubjects])
    {
        Description = "Orleans stream provider: messages that could not be delivered",
        MaxAge = options.DeadLettersMaxAge,
        MaxBytes = options.DeadLettersBytesMax,
        NumReplicas = options.Replicas,
    };

    public static StreamConfig Events(ProviderNames names, JetStreamStreamOptions options) =>
        new(names.EventsJetStream, [names.AllEventsSubjects])
    {
        Description = "Orleans stream provider: typed events",
        MaxAge = options.Events!.MaxAge,
        MaxBytes = options.Events.BytesMax,
        NumReplicas = options.Replicas,
        Storage = options.Events.InMemory ? StreamConfigStorage.Memory : StreamConfigStorage.File,
    };
}

using System.Globalization;

namespace ControlPlane.Adapters.Nats;

/// <summary>What the provider calls its things on a server. All names carry the ServiceId: clusters may share a server.</summary>
internal sealed class ProviderNames(string serviceId, string provider)
{
    // '_' and '.' never come out of Token, so two different pairs never give one name.
    private readonly string _name = $"orleans_{JetStreamSubject.Token(serviceId)}_{JetStreamSubject.Token(provider)}";
    private readonly string _subject = $"orleans.{JetStreamSubject.Token(serviceId)}.{JetStreamSubject.Token(provider)}";

    /// <summary>The JetStream stream that holds positions and settings: the last message of each subject.</summary>
    public string StateJetStream => $"{_name}_state";

    public string StateSubjects => $"{_subject}.state.>";

    public string StateSubject(string key) => $"{_subject}.state.{JetStreamSubject.Token(key)}";

    /// <summary>The JetStream stream of dead letters.</summary>
    public string DeadJetStream => $"{_name}_dead";

    public string DeadSubjects => $"{_subject}.dead.>";

    public string DeadSubject(string queue) => $"{_subject}.dead.{JetStreamSubject.Token(queue)}";

    /// <summary>The JetStream stream of the provider's own events, and the subjects of one partition of them.</summary>
    public string EventsJetStream => $"{_name}_events";

    public string AllEventsSubjects => $"{_subject}.events.>";

    public string EventsSubjects(int partition) => string.Create(CultureInfo.InvariantCulture, $"{_subject}.events.{partition}.>");

    /// <summary>Where an event of a stream is published: readable tokens if they are short; the headers say it exactly.</summary>
    public string EventSubject(int partition, ReadOnlySpan<byte> streamNamespace, ReadOnlySpan<byte> key) => string.Create(
        CultureInfo.InvariantCulture,
        $"{_subject}.events.{partition}.{JetStreamSubject.Token(streamNamespace)}.{JetStreamSubject.Token(key)}");

    /// <summary>What the consumers of a queue are called, before their epoch.</summary>
    public string ConsumerPrefix(string queue) => $"{_name}_{JetStreamSubject.Token(queue)}_";
}

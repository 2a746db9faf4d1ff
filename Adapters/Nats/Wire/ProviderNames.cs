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

    /// <summary>What the consumers of a queue are called, before their epoch.</summary>
    public string ConsumerPrefix(string queue) => $"{_name}_{JetStreamSubject.Token(queue)}_";
}

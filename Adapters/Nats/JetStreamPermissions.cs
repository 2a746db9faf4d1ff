namespace ControlPlane.Adapters.Nats;

/// <summary>The subjects that a login must be allowed to publish to for what is done with JetStream streams.</summary>
/// <remarks>
/// Nothing has to be subscribed to but the connection's own inbox: everything is asked for. With a server's default API prefix.
/// </remarks>
public static class JetStreamPermissions
{
    private const string Api = "$JS.API";

    /// <summary>To make a stream that is missing.</summary>
    public static IEnumerable<string> ToMake(string jetStream) => [$"{Api}.STREAM.CREATE.{jetStream}"];

    /// <summary>To read a stream by consumers that are made for it.</summary>
    public static IEnumerable<string> ToRead(string jetStream) =>
    [
        $"{Api}.STREAM.INFO.{jetStream}",
        $"{Api}.STREAM.MSG.GET.{jetStream}",
        $"{Api}.CONSUMER.CREATE.{jetStream}.>",
        $"{Api}.CONSUMER.INFO.{jetStream}.*",
        $"{Api}.CONSUMER.NAMES.{jetStream}",
        $"{Api}.CONSUMER.MSG.NEXT.{jetStream}.*",
        $"{Api}.CONSUMER.DELETE.{jetStream}.*",
        $"$JS.ACK.{jetStream}.>",
    ];

    /// <summary>To keep what a provider keeps beside a stream that it reads: positions and dead letters.</summary>
    /// <param name="serviceId">The cluster's ServiceId.</param>
    /// <param name="provider">The provider's name.</param>
    public static IEnumerable<string> ToKeep(string serviceId, string provider)
    {
        var names = new ProviderNames(serviceId, provider);
        return
        [
            .. ToMake(names.StateJetStream),
            $"{Api}.STREAM.INFO.{names.StateJetStream}",
            $"{Api}.STREAM.MSG.GET.{names.StateJetStream}",
            names.StateSubjects,
            .. ToMake(names.DeadJetStream),
            $"{Api}.STREAM.MSG.GET.{names.DeadJetStream}",
            $"{Api}.STREAM.MSG.DELETE.{names.DeadJetStream}",
            names.DeadSubjects,
        ];
    }
}

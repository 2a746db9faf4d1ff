namespace ControlPlane.Fleet;

/// <summary>What a Choria lifecycle event reports. Source: the <c>type</c> token of <c>choria.lifecycle.event.&lt;type&gt;.&lt;component&gt;</c>.</summary>
public enum FleetEventKind
{
    Startup = 1,
    Shutdown = 2,
    Provisioned = 3,
    Alive = 4,
    Upgraded = 5,
    Governor = 6,
}

/// <summary>One lifecycle event of one node, as a stream delivered it.</summary>
/// <param name="Identity">The node's identity, verbatim.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Component">The Choria component that reports: <c>server</c>, <c>provision_mode_server</c>, …</param>
/// <param name="Version">The Choria version that runs; only in startup, alive and upgraded events.</param>
/// <param name="OccurredAt">The event's own timestamp. Alive events repeat that of the node's start.</param>
/// <param name="ReceivedAt">When the broker stored the event: the only time to measure liveness by.</param>
/// <param name="Network">The name of the network on which it was heard: <c>provisioning</c>, or an overlay's name.</param>
/// <param name="Sequence">The JetStream sequence in the stream that it came by; stable across redelivery. Begins again if that stream is
/// deleted and made anew: with <paramref name="ReceivedAt"/> it de-duplicates.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.FleetEvent")]
public sealed record FleetEvent(
    [property: Id(0)] string Identity,
    [property: Id(1)] FleetEventKind Kind,
    [property: Id(2)] string Component,
    [property: Id(3)] string? Version,
    [property: Id(4)] DateTimeOffset OccurredAt,
    [property: Id(5)] DateTimeOffset ReceivedAt,
    [property: Id(6)] string Network,
    [property: Id(7)] ulong Sequence);

namespace ControlPlane.Nodes;

/// <summary>
/// What a Choria lifecycle event reports. Source: the <c>type</c> token of <c>choria.lifecycle.event.&lt;type&gt;.&lt;component&gt;</c>.
/// </summary>
public enum FleetEventKind
{
    Startup = 1,
    Shutdown = 2,
    Provisioned = 3,
    Alive = 4,
    Upgraded = 5,
    Governor = 6,

    /// <summary>Not an event of Choria's, but a sign of life too: the node registered what it is.</summary>
    Registration = 7,

    /// <summary>No lifecycle event either: an autonomous agent of the node's changed its state, or a watcher of it told its own.</summary>
    Machine = 8,

    /// <summary>No lifecycle event either: the node published what a program on it submitted.</summary>
    Submission = 9,
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
/// <param name="EventId">The event's own id. Alive events of one process all have the same, so it tells processes apart.</param>
/// <param name="Registration">What the node registered; null unless the kind is <see cref="FleetEventKind.Registration"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.FleetEvent")]
public sealed record FleetEvent(
    [property: Id(0)] string Identity,
    [property: Id(1)] FleetEventKind Kind,
    [property: Id(2)] string Component,
    [property: Id(3)] string? Version,
    [property: Id(4)] DateTimeOffset OccurredAt,
    [property: Id(5)] DateTimeOffset ReceivedAt,
    [property: Id(6)] string Network,
    [property: Id(7)] ulong Sequence,
    [property: Id(8)] string? EventId = null,
    [property: Id(9)] NodeRegistration? Registration = null)
{
    /// <summary>
    /// Whether it is of the JetStream stream of lifecycle events; others are signs of life only, and their sequences are of other streams.
    /// </summary>
    public bool IsOfLifecycle => Kind is not (FleetEventKind.Registration or FleetEventKind.Machine or FleetEventKind.Submission);
}

/// <summary>What a node registered, and how it proved that it is the node.</summary>
/// <param name="Inventory">What it says of itself; null when that could not be used.</param>
/// <param name="Place">The broker that the node was connected to, as the message's trace names it; empty when it does not.</param>
/// <param name="KeyFingerprint">The proven key, as in <see cref="NodeSighting"/>; null when none was proven.</param>
/// <param name="Standing">What the proof was worth.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeRegistration")]
public sealed record NodeRegistration(
    [property: Id(0)] NodeInventory? Inventory,
    [property: Id(1)] string Place,
    [property: Id(2)] string? KeyFingerprint,
    [property: Id(3)] CredentialStatus Standing);

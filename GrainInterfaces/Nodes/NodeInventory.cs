namespace ControlPlane.Nodes;

/// <summary>What a node says of itself: its facts, classes, agents and version. Soft, and small enough to keep.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Source">Where it was learnt.</param>
/// <param name="At">When the broker stored the message, or the node answered.</param>
/// <param name="FactsJson">One JSON object, UTF-8.</param>
/// <param name="Classes">Configuration management classes.</param>
/// <param name="Agents">The names of its agents.</param>
/// <param name="Collectives">Its collectives, the main one first.</param>
/// <param name="Version">The Choria version that runs; null when it was not said.</param>
/// <param name="Digest">XXH128 over all that counts, in hexadecimal: the same content has the same digest.</param>
/// <param name="Dropped">How many facts, classes and agents were left out because a limit was reached.</param>
/// <param name="MachineId">The machine's own id among the facts; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeInventory")]
public sealed record NodeInventory(
    [property: Id(0)] string Identity,
    [property: Id(1)] InventorySource Source,
    [property: Id(2)] DateTimeOffset At,
    [property: Id(3)] ReadOnlyMemory<byte> FactsJson,
    [property: Id(4)] IReadOnlyList<string> Classes,
    [property: Id(5)] IReadOnlyList<string> Agents,
    [property: Id(6)] IReadOnlyList<string> Collectives,
    [property: Id(7)] string? Version,
    [property: Id(8)] string Digest,
    [property: Id(9)] int Dropped,
    [property: Id(10)] string? MachineId = null);

/// <summary>Where an inventory was learnt. What comes later in this list says more.</summary>
public enum InventorySource
{
    Unknown = 0,

    /// <summary>The node's answer during its enrolment.</summary>
    Enrolment = 1,

    /// <summary>A file that it registers (<c>file_content</c>): facts alone.</summary>
    RegisteredFile = 2,

    /// <summary>The inventory that it registers (<c>inventory_content</c>).</summary>
    Registration = 3,
}

namespace ControlPlane.Nodes;

/// <summary>The last event of one network that a node took note of.</summary>
/// <param name="Sequence">Its JetStream sequence.</param>
/// <param name="ReceivedAt">When the broker stored it.</param>
internal readonly record struct LastHeard(ulong Sequence, DateTimeOffset ReceivedAt)
{
    public static LastHeard Of(FleetEvent fleetEvent) => new(fleetEvent.Sequence, fleetEvent.ReceivedAt);

    /// <summary>Whether an event is news; what is delivered again is neither of a higher sequence nor stored later.</summary>
    /// <remarks>
    /// The sequence alone would not do: a stream that is deleted and made anew counts from 1 again, and unprovisioned nodes are heard by
    /// the streams of two networks. The time alone would not do either: the clocks of a stream's successive leaders differ.
    /// </remarks>
    public bool Precedes(FleetEvent fleetEvent) => fleetEvent.Sequence > Sequence || fleetEvent.ReceivedAt > ReceivedAt;
}

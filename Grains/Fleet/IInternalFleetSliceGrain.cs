using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>What the control plane's own grains tell a slice of the fleet.</summary>
/// <remarks>It subscribes by itself to the partition of its number; after its silo died, a call or an event brings it back.</remarks>
[Alias("ControlPlane.IInternalFleetSliceGrain")]
internal interface IInternalFleetSliceGrain : INodeSliceGrain
{
    /// <summary>
    /// Takes note of events, of one node in order. When it returns, what follows from them was done or is durably due. Whom nobody knows
    /// is asked for its token before anything is kept of it. Safe to repeat.
    /// </summary>
    [Alias("Observe"), ResponseTimeout("00:01:00")]
    Task Observe(IReadOnlyList<FleetEvent> events);

    /// <summary>
    /// Takes note of who answered a sweep in provisioning mode, as <see cref="Observe"/> does of events. Safe to repeat.
    /// </summary>
    /// <returns>How many of them nobody was enrolling.</returns>
    [Alias("RecordSweepAnswers")]
    Task<int> RecordSweepAnswers(IReadOnlyList<SweepAnswer> answers);

    /// <summary>Keeps the slice awake and listening; called for every slice by each silo. Safe to repeat.</summary>
    [Alias("Wake")]
    Task Wake();
}

/// <param name="Identity">The name in which somebody answered, be it the node's or not.</param>
/// <param name="At">When the reply came, by our clock.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.SweepAnswer")]
internal sealed record SweepAnswer([property: Id(0)] string Identity, [property: Id(1)] DateTimeOffset At);

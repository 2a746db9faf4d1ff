using ControlPlane.Nodes;
using Orleans.Concurrency;

namespace ControlPlane.Fleet;

/// <summary>What the control plane's own grains tell a slice of the roster.</summary>
[Alias("ControlPlane.IInternalFleetRosterGrain")]
internal interface IInternalFleetRosterGrain : IFleetRosterGrain
{
    /// <summary>
    /// Takes note of lifecycle events, of one node in order. When it returns, what follows from them was done or is durably due. Whom
    /// nobody knows is asked for its token before anything is kept of it. Safe to repeat.
    /// </summary>
    [Alias("Observe"), ResponseTimeout("00:01:00")]
    Task Observe(IReadOnlyList<FleetEvent> events);

    /// <summary>
    /// Takes note of who answered a sweep in provisioning mode, as <see cref="Observe"/> does of events. Safe to repeat.
    /// </summary>
    /// <returns>How many of them nobody was enrolling.</returns>
    [Alias("RecordSweepAnswers")]
    Task<int> RecordSweepAnswers(IReadOnlyList<SweepAnswer> answers);

    /// <summary>
    /// Takes note that one request of an enrolment got two different answers. What was made for either is withdrawn and the node is
    /// quarantined, which is stored when it returns. Safe to repeat; what concerns no enrolment of now is dropped.
    /// </summary>
    [Alias("RecordContest")]
    Task RecordContest(string identity, ContestedAnswer contested);

    /// <summary>Takes a node over that another site hears: it is enrolled through that one. Safe to repeat.</summary>
    /// <returns>Why not; null when it is due, durably.</returns>
    [Alias("Adopt")]
    Task<string?> Adopt(string identity, Adoption adoption);

    /// <inheritdoc cref="IInternalNodeGrain.RecordSighting"/>
    [Alias("RecordSighting")]
    Task<bool> RecordSighting(string identity, NodeSighting sighting);

    /// <summary>When a node was last heard, and with which version; null when this activation has not heard it.</summary>
    [Alias("FindHeard")]
    Task<LastHeard?> FindHeard(string identity);

    /// <summary>Records how a node stands and when it is due; replaces what was recorded. Safe to repeat.</summary>
    [Alias("Record")]
    Task Record(RosterEntry entry);

    /// <summary>
    /// Records how alive a node is, and nothing else; adds a node that is not known. Stored within a second. Safe to repeat.
    /// </summary>
    [Alias("RecordLiveness")]
    Task RecordLiveness(string identity, NodeLiveness liveness);

    /// <summary>Keeps the slice awake and ticking; called for every slice by each silo. Safe to repeat.</summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>Takes a name off the list. Safe to repeat; false when it was not there.</summary>
    [Alias("Forget")]
    Task<bool> Forget(string identity);
}

/// <param name="Identity">The name in which somebody answered, be it the node's or not.</param>
/// <param name="At">When the reply came, by our clock.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.SweepAnswer")]
internal sealed record SweepAnswer([property: Id(0)] string Identity, [property: Id(1)] DateTimeOffset At);

/// <param name="At">When the broker stored the node's last lifecycle event.</param>
/// <param name="AgentVersion">Choria's version, as it last said it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LastHeard")]
internal sealed record LastHeard([property: Id(0)] DateTimeOffset At, [property: Id(1)] string? AgentVersion);

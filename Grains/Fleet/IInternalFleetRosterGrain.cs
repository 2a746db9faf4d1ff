using ControlPlane.Nodes;
using Orleans.Concurrency;

namespace ControlPlane.Fleet;

/// <summary>What the control plane's own grains tell a slice of the roster.</summary>
[Alias("ControlPlane.IInternalFleetRosterGrain")]
internal interface IInternalFleetRosterGrain : IFleetRosterGrain
{
    /// <summary>Records how a node stands and when it is due; replaces what was recorded. Safe to repeat.</summary>
    [Alias("Record")]
    Task Record(RosterEntry entry);

    /// <summary>
    /// Records how alive a node is, and nothing else; adds a node that is not known. Stored within a second. Safe to repeat.
    /// </summary>
    [Alias("RecordLiveness")]
    Task RecordLiveness(string identity, NodeLiveness liveness, string? agentVersion);

    /// <summary>Keeps the slice awake and ticking; called for every slice by each silo. Safe to repeat.</summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>
    /// Takes note of names that were heard in provisioning mode. Whom nobody knows is asked for its token before anything is kept of
    /// it, and told by the slice itself, or forgotten. Safe to repeat.
    /// </summary>
    /// <param name="heard">Of this slice, at most some thousands.</param>
    /// <returns>Whom the caller is to tell: who is known; of answers to a sweep, those that nobody is enrolling.</returns>
    [Alias("AdmitNewcomers"), AlwaysInterleave]
    Task<IReadOnlyList<string>> AdmitNewcomers(IReadOnlyList<HeardName> heard);

    /// <summary>Takes a name off the list. Safe to repeat; false when it was not there.</summary>
    [Alias("Forget")]
    Task<bool> Forget(string identity);
}

/// <summary>A name in which somebody spoke on the provisioning network, be it the node's or not.</summary>
/// <param name="Identity">The name.</param>
/// <param name="At">Since when it waits to be enrolled; null when it did not say that it does.</param>
/// <param name="IsAnswer">Whether it answered a sweep: somebody is there.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.HeardName")]
internal sealed record HeardName(
    [property: Id(0)] string Identity, [property: Id(1)] DateTimeOffset? At, [property: Id(2)] bool IsAnswer = false);

using ControlPlane.Access;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using SimulatedNode = ControlPlane.FleetSimulator.SimulatedNode;

namespace ControlPlane.Chaos;

/// <summary>All that is known of a fleet at rest, from every side: what the checker judges.</summary>
internal sealed record FleetFacts
{
    /// <summary>The nodes by their own account.</summary>
    public required IReadOnlyList<SimulatedNode> Nodes { get; init; }

    /// <summary>The nodes as each site lists them, by the site's name.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<RosterEntry>> Sites { get; init; }

    /// <summary>The nodes as their owners list them; one that has none, as whoever hears it does.</summary>
    public IReadOnlyList<RosterEntry> Roster =>
    [
        .. Sites.Values.SelectMany(site => site).GroupBy(entry => entry.Identity, StringComparer.Ordinal)
            .Select(known => known.MinBy(Rank)!),
    ];

    /// <summary>The enrolled ones in full, by identity.</summary>
    public required IReadOnlyDictionary<string, NodeSnapshot> Snapshots { get; init; }

    /// <summary>Every order in the certificate ledger.</summary>
    public required IReadOnlyList<LedgerEntry> Ledger { get; init; }

    /// <summary>The serial numbers in the CA's revocation list.</summary>
    public required IReadOnlySet<string> RevokedSerials { get; init; }

    /// <summary>The overlays with their counts and limits.</summary>
    public required IReadOnlyList<OverlaySnapshot> Overlays { get; init; }

    /// <summary>What operators called, and were told that it is done.</summary>
    public required IReadOnlyList<OperatorCall> Answered { get; init; }

    /// <summary>The record of calls, as an export has it.</summary>
    public required IReadOnlyList<AuditLine> Audit { get; init; }

    /// <summary>What the silos' own grains called each other with, in order of time.</summary>
    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>What the brokers hold.</summary>
    public required IReadOnlyList<StoredEvent> Events { get; init; }

    /// <summary>Everything that was written for people or machines to read, by its name: logs, metrics, pages, histories.</summary>
    public required IReadOnlyDictionary<string, string> Texts { get; init; }

    /// <summary>What must stand in none of <see cref="Texts"/>, by its name.</summary>
    public required IReadOnlyDictionary<string, string> Secrets { get; init; }

    private static int Rank(RosterEntry entry) => entry.Stage switch { NodeStage.Enrolled => 0, NodeStage.Elsewhere => 2, _ => 1 };
}

/// <summary>A lifecycle event of a node in a broker's stream.</summary>
internal sealed record StoredEvent(string Network, ulong Sequence, DateTimeOffset StoredAt, string Identity, string Kind);

/// <summary>What an operator called, and was told that it is done: that a node enrols anew.</summary>
/// <param name="Node">The node.</param>
/// <param name="Reason">Why, as it was said with the call; no other call has the same.</param>
internal sealed record OperatorCall(string Node, string Reason);

/// <summary>Something that must never be and is.</summary>
/// <param name="Invariant">Its number in the architecture.</param>
/// <param name="Subject">The node, overlay, certificate or text.</param>
/// <param name="Detail">What is wrong.</param>
internal sealed record Violation(int Invariant, string Subject, string Detail)
{
    public override string ToString() => $"invariant {Invariant}: {Subject}: {Detail}";
}

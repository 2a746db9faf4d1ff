using System.Collections.Frozen;

namespace ControlPlane.Placement;

/// <summary>One overlay in the ledger: what it may take and what it holds now.</summary>
/// <remarks>Mutable, owned by one <see cref="RegionState"/>: a million nodes change its counts, and a copy for each would
/// cost more than the decision.</remarks>
internal sealed class OverlayEntry(string name, int number)
{
    public string Name { get; } = name;

    /// <summary>Given at first mention and never reused: traces name overlays by it.</summary>
    public int Number { get; } = number;

    public OverlayState State { get; set; }

    public string StateReason { get; set; } = "";

    /// <summary>
    /// What it returns to when it has reported its nodes to a new leader: until then nobody knows how full it is, or which groups live
    /// there. Null when it need not report.
    /// </summary>
    public OverlayCondition? Awaited { get; set; }

    /// <summary>False when only the ledger knows it: it was taken out of the configuration while it held nodes.</summary>
    public bool IsConfigured { get; set; }

    public int SoftLimit { get; set; }

    public int HardLimit { get; set; }

    public FrozenDictionary<string, string> Labels { get; set; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Nodes that arrived and were not moved away.</summary>
    public int Nodes { get; set; }

    /// <summary>Places held for enrolments that run, except those of nodes that are at home here.</summary>
    public int Reserved { get; set; }

    /// <summary>Places kept for members that groups declared and that have not come yet.</summary>
    public int Promised { get; set; }

    /// <summary>For each shard a digest of the nodes that live here and of when that was decided.</summary>
    public ulong[] Digests { get; } = new ulong[RegionState.Shards];

    /// <summary>Places that a new leader keeps free for nodes which it has still to be told of; 0 when all have reported.</summary>
    public int Untold { get; set; }

    public int Load => Nodes + Reserved;

    public int Committed => Load + Promised + Untold;
}

using System.Collections.Frozen;

namespace ControlPlane.Placement;

/// <summary>The region's copy of one overlay: what it may take and what it holds now.</summary>
/// <remarks>Mutable, owned by one <see cref="RegionState"/>: a million nodes change its counts, and a copy for each would
/// cost more than the decision.</remarks>
internal sealed class OverlayEntry(string name, int number)
{
    private const string Unreachable = "it does not answer";

    private OverlayState state;
    private string stateReason = "";

    public string Name { get; } = name;

    /// <summary>Given at first mention and never reused: traces name overlays by it.</summary>
    public int Number { get; } = number;

    /// <summary>What may happen in it. One that does not answer keeps what it has, and nobody moves in or out.</summary>
    public OverlayState State => IsListed && IsReachable || state == OverlayState.Retired ? state : OverlayState.Isolated;

    /// <summary>Whether it is there, for all that is known, and does not answer: what concerns it waits.</summary>
    public bool IsCutOff => !IsReachable && state != OverlayState.Retired;

    public string StateReason => State == state ? stateReason : Unreachable;

    /// <summary>What an operator decided, whether it answers or not.</summary>
    public (OverlayState State, string Reason) Decided
    {
        get => (state, stateReason);
        set => (state, stateReason) = value;
    }

    /// <summary>Whether the copy has all that lives there: until then nobody knows how full it is, or which groups live there.</summary>
    public bool IsListed { get; set; } = true;

    /// <summary>Whether it answered when it was asked last.</summary>
    public bool IsReachable { get; set; } = true;

    /// <summary>False when only the region remembers it: it was taken out of the configuration while it held nodes.</summary>
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

    public int Load => Nodes + Reserved;

    public int Committed => Load + Promised;
}

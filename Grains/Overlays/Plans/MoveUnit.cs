namespace ControlPlane.Overlays.Plans;

/// <summary>
/// Nodes that move together: the part of a component of required groups that is in one overlay, or one node without a group.
/// </summary>
internal sealed class MoveUnit(string group, OverlayEntry from)
{
    /// <summary>The component's name: its groups, or empty for a single node.</summary>
    public string Group { get; set; } = group;

    public OverlayEntry From { get; } = from;

    public List<PlacedNode> Members { get; } = [];

    /// <summary>Places that the component's groups declared beyond the members that there are.</summary>
    public int Promise { get; set; }

    public int Size => Members.Count;
}

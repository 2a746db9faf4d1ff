namespace ControlPlane.Placement.Plans;

/// <summary>
/// Nodes that move together: the part of a component of required groups that is in one overlay, or one node without a group.
/// </summary>
internal sealed class MoveUnit(string group, OverlayEntry from)
{
    private string? first;

    /// <summary>The component's name: its groups, or empty for a single node.</summary>
    public string Group { get; set; } = group;

    public OverlayEntry From { get; } = from;

    public List<PlacedNode> Members { get; } = [];

    /// <summary>Places that <see cref="From"/> keeps for members of the component's groups that have not come yet.</summary>
    public int Promise { get; set; }

    /// <summary>The least of its identities: an order of units that no name of a rule and no order of arrival has a part in.</summary>
    public string First => first ??= Members.Select(node => node.Identity).Min(StringComparer.Ordinal)!;

    public int Size => Members.Count;
}

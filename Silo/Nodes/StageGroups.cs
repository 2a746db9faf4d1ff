namespace ControlPlane.Nodes;

/// <summary>The stages in the few groups that an operator thinks in.</summary>
internal static class StageGroups
{
    /// <summary>In the order of the bar: class name, words, stages.</summary>
    public static IReadOnlyList<StageGroup> All { get; } =
    [
        new("enrolled", "Enrolled", [NodeStage.Enrolled]),
        new("running", "Enrolling",
        [
            NodeStage.Admitted, NodeStage.Attested, NodeStage.Inspected, NodeStage.Placed,
            NodeStage.Keyed, NodeStage.Certified, NodeStage.Configured, NodeStage.Restarted,
        ]),
        new("waiting", "Waiting", [NodeStage.Discovered, NodeStage.Deferred]),
        new("silent", "Silent", [NodeStage.Silent]),
        new("refused", "Refused", [NodeStage.Quarantined]),
        new("gone", "Gone", [NodeStage.Gone]),
    ];

    public static StageGroup Of(NodeStage stage) => All.FirstOrDefault(group => group.Stages.Contains(stage)) ?? All[^1];
}

/// <param name="Name">The name in style sheets and scripts.</param>
/// <param name="Title">The name for people.</param>
/// <param name="Stages">What belongs to it.</param>
internal sealed record StageGroup(string Name, string Title, IReadOnlyList<NodeStage> Stages);

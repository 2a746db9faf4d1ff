using System.Globalization;

namespace ControlPlane.FleetSimulator;

/// <summary>How far a fleet has come, counted at one moment.</summary>
public sealed record FleetProgress(
    int Nodes,
    int Announced,
    int Provisioning,
    int Restarting,
    int Arrived,
    int Stopped,
    int Failed,
    int Gencsr,
    int Gen25519,
    int Configure)
{
    public static FleetProgress Of(IReadOnlyList<SimulatedNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        return new FleetProgress(
            nodes.Count,
            nodes.Count(node => node.AnnouncedAt is not null),
            In(SimulatedNodeStage.Provisioning),
            In(SimulatedNodeStage.Restarting),
            In(SimulatedNodeStage.Arrived),
            In(SimulatedNodeStage.Stopped),
            In(SimulatedNodeStage.Failed),
            nodes.Sum(node => node.GencsrCalls),
            nodes.Sum(node => node.Gen25519Calls),
            nodes.Sum(node => node.ConfigureCalls));

        int In(SimulatedNodeStage stage) => nodes.Count(node => node.Stage == stage);
    }

    /// <summary>One line of <c>key=value</c> pairs that begins with <c>progress</c>.</summary>
    public string ToLine(TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"progress seconds={elapsed.TotalSeconds:0} nodes={Nodes} announced={Announced} provisioning={Provisioning} "
            + $"restarting={Restarting} arrived={Arrived} stopped={Stopped} failed={Failed} "
            + $"gencsr={Gencsr} gen25519={Gen25519} configure={Configure}");
}

using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;

namespace ControlPlane.Demo;

/// <summary>How far the fleet has come, as the nodes themselves and the control plane see it.</summary>
internal sealed record DemoProgress
{
    public required TimeSpan Elapsed { get; init; }

    public required int Nodes { get; init; }

    public required int Expected { get; init; }

    /// <summary>Nodes that have announced themselves.</summary>
    public required int Announced { get; init; }

    /// <summary>Nodes that serve on their overlay, by their own account.</summary>
    public required int Arrived { get; init; }

    /// <summary>Nodes by stage, as the control plane counts them; null while it does not answer.</summary>
    public required IReadOnlyDictionary<NodeStage, int>? Stages { get; init; }

    public int Enrolled => In(NodeStage.Enrolled);

    public int Silent => In(NodeStage.Silent);

    public int Refused => In(NodeStage.Quarantined);

    /// <summary>Nodes that are neither enrolled nor given up for now.</summary>
    public int UnderWay => (Stages?.Values.Sum() ?? 0) - Enrolled - Silent - Refused;

    /// <summary>Every node that is meant to live is enrolled and every other one is reported.</summary>
    public bool IsDone => Enrolled >= Expected && Silent + Refused >= Nodes - Expected;

    public static DemoProgress Of(SimulatedFleet fleet, IReadOnlyDictionary<NodeStage, int>? stages, TimeSpan elapsed)
    {
        var progress = fleet.Progress();
        return new DemoProgress
        {
            Elapsed = elapsed,
            Nodes = progress.Nodes,
            Expected = fleet.ExpectedArrivals,
            Announced = progress.Announced,
            Arrived = progress.Arrived,
            Stages = stages,
        };
    }

    public override string ToString() => Stages is null
        ? $"{Elapsed.TotalSeconds,4:0} s  announced {Announced}  arrived {Arrived}  the silo does not answer"
        : $"{Elapsed.TotalSeconds,4:0} s  announced {Announced}  under way {UnderWay}  arrived {Arrived}  "
            + $"enrolled {Enrolled}/{Nodes}  silent {Silent}  refused {Refused}";

    private int In(NodeStage stage) => Stages?.GetValueOrDefault(stage) ?? 0;
}

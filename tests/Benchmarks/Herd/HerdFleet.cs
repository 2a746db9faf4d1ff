using System.Globalization;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Herd;

/// <summary>The fleets of the herd benchmarks: how large they are, and what they share so that one machine can hold them.</summary>
internal static class HerdFleet
{
    /// <summary>One overlay whole. The variable BENCH_HERD_NODES makes it smaller, for a look.</summary>
    public static int Nodes { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("BENCH_HERD_NODES"), CultureInfo.InvariantCulture, out var nodes) ? nodes : 20_000;

    /// <summary>
    /// Nodes behind one connection: a process may open 20,000 files here, and each node needs its next connection before it leaves the
    /// last.
    /// </summary>
    public const int NodesPerConnection = 50;

    public static SimulatedFleetOptions Options(
        StageBrokers brokers, StageSecrets secrets, int nodes, string name, FaultShare dead) => Stages.FleetOn(brokers, secrets) with
    {
        Nodes = nodes,
        NodesPerConnection = NodesPerConnection,
        IdentityPattern = $"{name}-{{n:00000}}.sim.example.net",
        Protocol = FleetProtocol.V1,
        Faults = new Dictionary<SimulatedFault, FaultShare> { [SimulatedFault.Dead] = dead },
        KeyPool = nodes,
        PairKeys = true,
        KeyFolder = Path.Combine(RepositoryRoot.Path, ".data", "keys"),
    };
}

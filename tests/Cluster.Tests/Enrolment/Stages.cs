using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>What the stages of these tests are made of.</summary>
internal static class Stages
{
    public static string SiloProgram { get; } = Path.Combine(AppContext.BaseDirectory, "controlplane.dll");

    /// <summary>With the silo in this process: for tests that kill none.</summary>
    public static EnrolmentStageOptions Hosted { get; } = new() { SiloProgram = SiloProgram, StartSiloHere = HostedSilo.StartAsync };

    public static Task<EnrolmentStage> StartAsync(EnrolmentStageOptions options, CancellationToken cancellationToken) =>
        EnrolmentStage.StartAsync(options, cancellationToken);

    /// <summary>A fleet whose tokens the stage's silo believes. Nodes restart at once, and their keys come from a small pool.</summary>
    public static SimulatedFleetOptions Fleet(
        EnrolmentStage stage,
        int nodes,
        FleetProtocol protocol,
        string identityPattern = "node{n:00000}.sim.example.net",
        (SimulatedFault Fault, int Nodes)? faulty = null) => ControlPlane.Chaos.Stages.FleetOn(stage.Brokers, stage.Secrets) with
    {
        IdentityPattern = identityPattern,
        Faults = faulty is { } some
            ? new Dictionary<SimulatedFault, FaultShare> { [some.Fault] = FaultShare.Count(some.Nodes) }
            : new Dictionary<SimulatedFault, FaultShare>(),
        Nodes = nodes,
        Protocol = protocol,
        KeyPool = nodes * 2,
        KeyFolder = Path.Combine(Path.GetTempPath(), "controlplane-key-pool"),
    };
}

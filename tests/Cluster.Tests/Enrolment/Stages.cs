using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>Stages and fleets that fit each other.</summary>
internal static class Stages
{
    public static string SiloProgram { get; } = Path.Combine(AppContext.BaseDirectory, "controlplane.dll");

    public static Task<EnrolmentStage> StartAsync(EnrolmentStageOptions options, CancellationToken cancellationToken) =>
        EnrolmentStage.StartAsync(
            options,
            seed =>
            {
                using var key = Ed25519Key.FromSeedHex(seed);
                return key.PublicKeyHex;
            },
            cancellationToken);

    /// <summary>A fleet whose tokens the stage's silo believes. Nodes restart at once, and their keys come from a small pool.</summary>
    public static SimulatedFleetOptions Fleet(
        EnrolmentStage stage,
        int nodes,
        FleetProtocol protocol,
        string identityPattern = "node{n:00000}.sim.example.net",
        (NodeFault Fault, int Nodes)? faulty = null) => new()
    {
        IdentityPattern = identityPattern,
        Faults = faulty is { } some
            ? new Dictionary<NodeFault, FaultShare> { [some.Fault] = FaultShare.Count(some.Nodes) }
            : new Dictionary<NodeFault, FaultShare>(),
        Brokers = stage.Brokers.Provisioning.Url,
        Nodes = nodes,
        Protocol = protocol,
        Secret = File.ReadAllText(stage.Secrets.SharedSecretFile),
        IssuerSeed = File.ReadAllText(stage.Secrets.IssuerSeedFile),
        SignerKeyPem = File.ReadAllText(stage.Secrets.SignerFile),
        User = "unprovisioned",
        Password = File.ReadAllText(stage.Secrets.UnprovisionedPasswordFile),
        KeyPool = nodes * 2,
        KeyFolder = Path.Combine(Path.GetTempPath(), "controlplane-key-pool"),
    };
}

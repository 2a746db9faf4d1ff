using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.Demo;

/// <summary>What is to be shown.</summary>
internal sealed record DemoOptions
{
    /// <summary>How many nodes; 500 by default.</summary>
    public int Nodes { get; init; } = 500;

    /// <summary>What they speak; v1 by default.</summary>
    public FleetProtocol Protocol { get; init; } = FleetProtocol.V1;

    /// <summary>How many announce themselves and never answer; none by default.</summary>
    public FaultShare Dead { get; init; }

    /// <summary>How many show a token whose signature is forged; none by default.</summary>
    public FaultShare Forged { get; init; }

    /// <summary>Whether the silo is killed (SIGKILL) when half of the nodes are enrolled, and started again.</summary>
    public bool KillSilo { get; init; }

    /// <summary>How many silos share the work; 1 by default.</summary>
    public int Silos { get; init; } = 1;

    /// <summary>
    /// How many overlays the region has, each a cluster with a silo, Redis and broker of its own; with more than one, one of them is
    /// retired when the fleet is enrolled. 1 by default.
    /// </summary>
    public int Overlays { get; init; } = 1;

    /// <summary>The placement policy, a YAML file; <c>infra/demo/policy.yaml</c> when there are several overlays.</summary>
    public string? Policy { get; init; }

    /// <summary>
    /// Whether the networks are brokers as strict as Choria's. They let nobody in whose token is forged, and serve nodes of one protocol:
    /// otherwise the networks are stock nats-servers.
    /// </summary>
    public bool OnChoriaBrokers => Protocol != FleetProtocol.Both && Forged.Of(Nodes) == 0;

    /// <summary>How many customers the nodes belong to, by their tokens.</summary>
    public int Customers => Math.Min(Nodes, 18);

    /// <summary>How many nodes an overlay takes: all of them, though one overlay less is there.</summary>
    public int HardLimit => Math.Max(1, (int)Math.Ceiling(Nodes * 1.33 / Math.Max(1, Overlays - 1)));

    /// <summary>Whether to end when the fleet is enrolled, instead of keeping everything running.</summary>
    public bool Exit { get; init; }

    /// <summary>Whether people sign in, with roles, at an identity provider that is started too.</summary>
    public bool Access { get; init; }

    /// <summary>Where the console and the API are served.</summary>
    public int ApiPort { get; init; } = 8780;

    /// <summary>
    /// How often nodes register what they are: a quarter of a minute, or so long that at most some 70 register in a second.
    /// </summary>
    public TimeSpan RegistrationInterval => TimeSpan.FromSeconds(Math.Max(15, Math.Ceiling(Nodes / 70.0)));

    /// <summary>After what time what is not enrolled is called lost: three minutes, and a tenth of a second for each node.</summary>
    public TimeSpan Patience => TimeSpan.FromMinutes(3) + (Nodes * TimeSpan.FromMilliseconds(100));
}

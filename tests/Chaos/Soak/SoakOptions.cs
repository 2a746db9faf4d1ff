using ControlPlane.FleetSimulator;

namespace ControlPlane.Chaos;

/// <summary>What a soak is made of.</summary>
internal sealed record SoakOptions
{
    /// <summary>How long faults happen; 10 minutes by default. What follows is healing, for as long as it gets on.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Decides which faults happen when; the same seed gives the same schedule. 1 by default.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Nodes that arrive, spread over most of the time; 300 by default.</summary>
    public int Nodes { get; init; } = 300;

    /// <summary>Silos, each a process; 3 by default.</summary>
    public int Silos { get; init; } = 3;

    /// <summary>The mean time between two faults; 10 seconds by default.</summary>
    public TimeSpan FaultInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What the nodes speak; protocol v1 by default, which needs the CA.</summary>
    public FleetProtocol Protocol { get; init; } = FleetProtocol.V1;

    /// <summary><c>recorded-silo.dll</c>: it writes its history down.</summary>
    public required string SiloProgram { get; init; }
}

namespace ControlPlane.FleetSimulator;

/// <summary>Nodes that begin their life enrolled, with the configuration, seed and server token that an enrolment leaves.</summary>
/// <remarks>Protocol V2 only. For what comes after enrolment, such as jobs: 20,000 nodes are there in seconds.</remarks>
public sealed record EnrolledNodes
{
    /// <summary>The brokers of their overlay: a comma separated list of <c>nats://host:port</c>.</summary>
    public required string Brokers { get; init; }

    /// <summary>The collective that they are in; <c>choria</c> by default.</summary>
    public string Collective { get; init; } = "choria";

    /// <summary>Further lines of their <c>server.conf</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}

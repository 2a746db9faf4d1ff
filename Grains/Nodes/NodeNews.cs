namespace ControlPlane.Nodes;

/// <summary>What was heard of a node and has not been acted on. Soft: events are redelivered and sweeps repeat what is lost.</summary>
/// <param name="StartedAt">The newest start in provisioning mode.</param>
/// <param name="SightedAt">The newest answer to a discovery sweep.</param>
/// <param name="Arrival">The newest sign of life from an overlay.</param>
/// <param name="Contested">The newest request that got two different answers.</param>
internal sealed record NodeNews(
    DateTimeOffset? StartedAt = null, DateTimeOffset? SightedAt = null, Arrival? Arrival = null, ContestedAnswer? Contested = null)
{
    private const string ProvisionModeServer = "provision_mode_server";
    private const string Server = "server";
    private static readonly NodeNews None = new();

    /// <summary>Whether an event says anything about enrolment.</summary>
    public static bool IsIn(FleetEvent fleetEvent) => None.With(fleetEvent) != None;

    /// <summary>What is known after an event; the same when it says nothing about enrolment.</summary>
    public NodeNews With(FleetEvent fleetEvent) => fleetEvent switch
    {
        { Kind: FleetEventKind.Startup, Component: ProvisionModeServer } => this with { StartedAt = fleetEvent.ReceivedAt },
        { Kind: FleetEventKind.Startup or FleetEventKind.Alive, Component: Server } => this with
        {
            Arrival = new Arrival(fleetEvent.Network, fleetEvent.ReceivedAt),
        },
        _ => this,
    };
}

/// <param name="Overlay">The overlay on whose network it was heard.</param>
/// <param name="At">When that network's broker stored it.</param>
/// <param name="IsAnswer">Whether we asked for it, after all other news: no clock is needed to tell that it is newer.</param>
internal sealed record Arrival(string Overlay, DateTimeOffset At, bool IsAnswer = false);

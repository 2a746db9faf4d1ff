namespace ControlPlane.Nodes;

/// <summary>What was heard of a node and has not been acted on. Soft: events are redelivered and sweeps repeat what is lost.</summary>
/// <param name="StartedAt">The newest start in provisioning mode.</param>
/// <param name="SightedAt">The newest answer to a discovery sweep.</param>
/// <param name="Arrival">The newest sign of life from an overlay.</param>
/// <param name="Contested">The newest request that got two different answers.</param>
/// <param name="Reception">The site that told of the newest of these; null when this one heard it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeNews")]
internal sealed record NodeNews(
    [property: Id(0)] DateTimeOffset? StartedAt = null,
    [property: Id(1)] DateTimeOffset? SightedAt = null,
    [property: Id(2)] Arrival? Arrival = null,
    [property: Id(3)] ContestedAnswer? Contested = null,
    [property: Id(4)] string? Reception = null)
{
    private const string ProvisionModeServer = "provision_mode_server";
    private const string Server = "server";

    public static NodeNews None { get; } = new();

    private DateTimeOffset? HeardAt => Latest(StartedAt, SightedAt);

    /// <summary>What an event says about enrolment; null when it says nothing.</summary>
    public static NodeNews? OfOrNull(FleetEvent fleetEvent) => fleetEvent switch
    {
        { Kind: FleetEventKind.Startup, Component: ProvisionModeServer } => new NodeNews(StartedAt: fleetEvent.ReceivedAt),
        { Kind: FleetEventKind.Startup or FleetEventKind.Alive, Component: Server } =>
            new NodeNews(Arrival: new Arrival(fleetEvent.Network, fleetEvent.ReceivedAt)),
        _ => null,
    };

    /// <summary>Both: of each kind the newest, in whatever order and however often they are told.</summary>
    public NodeNews With(NodeNews other) => new(
        Latest(StartedAt, other.StartedAt),
        Latest(SightedAt, other.SightedAt),
        Arrival is null || other.Arrival?.IsNewerThan(Arrival) == true ? other.Arrival : Arrival,
        Contested is null || other.Contested?.At > Contested.At ? other.Contested : Contested,
        HeardAt is null || other.HeardAt >= HeardAt ? other.Reception : Reception);

    /// <summary>What is left to act on after a step that was decided by it: nothing, unless it decided of a part alone.</summary>
    public NodeNews After(EnrolmentStep step) => step switch
    {
        // The sign of life belongs to the life that ends here: within the clocks' tolerance it would count for the next one too.
        EnrolmentStep.Withdraw => this with { Contested = null, Arrival = null },
        EnrolmentStep.Arrive or EnrolmentStep.Stay => this with { Arrival = null },
        _ => None,
    };

    public static DateTimeOffset? Latest(DateTimeOffset? one, DateTimeOffset? other) =>
        one is null ? other : other is null || one > other ? one : other;
}

/// <param name="Overlay">The overlay on whose network it was heard.</param>
/// <param name="At">When that network's broker stored it.</param>
/// <param name="IsAnswer">Whether we asked for it, after all other news: no clock is needed to tell that it is newer.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.Arrival")]
internal sealed record Arrival(
    [property: Id(0)] string Overlay, [property: Id(1)] DateTimeOffset At, [property: Id(2)] bool IsAnswer = false)
{
    public bool IsNewerThan(Arrival other) => IsAnswer || (!other.IsAnswer && At > other.At);
}

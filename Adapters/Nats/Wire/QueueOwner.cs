using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>The silo that takes queues, and what it knows of the others.</summary>
/// <param name="Name">What it writes into the records of its queues.</param>
/// <param name="IsAlive">Whether an owner, by the name that it wrote, is a silo that lives.</param>
internal sealed record QueueOwner(string Name, Func<string, bool> IsAlive)
{
    /// <summary>The silo itself, with the cluster's membership to ask.</summary>
    public static QueueOwner Of(ILocalSiloDetails silo, ISiloStatusOracle membership) => new(
        silo.SiloAddress.ToParsableString(),
        name => membership.GetApproximateSiloStatus(SiloAddress.FromParsableString(name)) is not (SiloStatus.None or SiloStatus.Dead));
}

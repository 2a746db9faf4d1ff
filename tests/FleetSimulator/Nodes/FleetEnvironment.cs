using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Keys;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What the nodes of a fleet share.</summary>
internal sealed record FleetEnvironment(
    SimulatedFleetOptions Options,
    SessionPool Sessions,
    SessionLimits Limits,
    IRsaKeySource Keys,
    RequestDecoder Decoder,
    CancellationToken Stopping)
{
    /// <summary>Whom provisioned nodes believe.</summary>
    public CallerTrust Trust { get; } = new();

    public DateTimeOffset Now => Options.Time.GetUtcNow();

    /// <summary>Waits; true when the time has passed, false when the fleet stops meanwhile.</summary>
    public async Task<bool> DelayAsync(TimeSpan delay)
    {
        await Task.Delay(delay, Options.Time, Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !Stopping.IsCancellationRequested;
    }
}

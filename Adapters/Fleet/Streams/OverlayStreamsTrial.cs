using ControlPlane.Fleet;
using ControlPlane.Store;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Whether the brokers of this overlay keep what the control plane keeps there.</summary>
public sealed class OverlayStreamsTrial
{
    private readonly OverlayStreams streams;

    internal OverlayStreamsTrial(OverlayStreams streams) => this.streams = streams;

    /// <summary>Makes what is missing and writes one small message. Why that fails, or null.</summary>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        try
        {
            await (streams.AreReachable ? streams.TryAsync(cancellationToken) : Task.CompletedTask);
            return null;
        }
        catch (StoreUnavailableException fault)
        {
            return fault.Message;
        }
    }
}

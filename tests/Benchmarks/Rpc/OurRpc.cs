using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Rpc;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Benchmarks.Rpc;

/// <summary>Our RPC as a silo has it, and nothing else of a silo.</summary>
internal sealed class OurRpc : IAsyncDisposable
{
    private readonly ReplyInboxes inboxes;
    private readonly RpcMeter meter = new();

    /// <param name="fleet">How the overlay's brokers are reached, and who calls.</param>
    /// <param name="overlays">The region, and the overlay.</param>
    /// <param name="issuer">The public key of the organisation issuer whose tokens nodes have.</param>
    public OurRpc(FleetOptions fleet, OverlaysOptions overlays, string issuer)
    {
        var options = Options.Create(fleet);
        var provisioning = Options.Create(
            new ProvisioningOptions { Issuers = { [ControlPlane.Adapters.Choria.TokenClaims.DefaultOrganization] = issuer } });
        Caller = new RegionCaller(options, Options.Create(overlays));
        Connections = new FleetConnections(options, Options.Create(overlays), Caller, TimeProvider.System, NullLoggerFactory.Instance);
        inboxes = new ReplyInboxes(
            Connections, Caller, new Loops(TimeProvider.System, NullLogger<Loops>.Instance), NullLogger<ReplyInboxes>.Instance);
        Rpc = new ChoriaNodeRpc(
            inboxes,
            Caller,
            new ReplyTrust(options, provisioning),
            new FixedOptions(overlays),
            meter,
            TimeProvider.System,
            NullLogger<ChoriaNodeRpc>.Instance);
    }

    public INodeRpc Rpc { get; }

    public RegionCaller Caller { get; }

    public FleetConnections Connections { get; }

    /// <summary>Calls nodes and waits until all have answered.</summary>
    /// <exception cref="InvalidOperationException">One answered that it failed, or replies were dropped.</exception>
    public async Task CallAsync(
        string overlay, string agent, string action, IReadOnlyList<RpcTarget> targets, CancellationToken cancellationToken)
    {
        await using var request = Rpc.Open(new RpcCall(overlay, agent, action, ReadOnlyMemory<byte>.Empty));
        var sending = request.SendAsync(targets, cancellationToken);
        var left = targets.Count;
        await foreach (var reply in request.ReadRepliesAsync(cancellationToken))
        {
            if (reply.StatusCode != 0)
            {
                throw new InvalidOperationException($"{reply.Identity}: {reply.Message}");
            }

            if (--left == 0)
            {
                break;
            }
        }

        if (await sending != targets.Count || request.Dropped != new RpcDropped(0, 0, 0))
        {
            throw new InvalidOperationException($"{request.Dropped}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await inboxes.DisposeAsync();
        await Connections.DisposeAsync();
        Caller.Dispose();
        meter.Dispose();
    }

    private sealed class FixedOptions(OverlaysOptions value) : IOptionsMonitor<OverlaysOptions>
    {
        public OverlaysOptions CurrentValue => value;

        public OverlaysOptions Get(string? name) => value;

        public IDisposable? OnChange(Action<OverlaysOptions, string?> listener) => null;
    }
}

using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Placement.Overlays;

/// <summary>See <see cref="OverlayPlacement"/>. Reentrant, because a call only waits for its change to be stored.</summary>
[GrainType("overlay-placement"), Reentrant]
internal sealed partial class OverlayPlacementGrain(PlacementContext context, ILogger<OverlayPlacementGrain> logger)
    : Grain, IOverlayPlacementGrain
{
    private OverlayPlacement places = null!;

    private string Overlay => OverlayKey.Read(this.GetPrimaryKeyString()).Overlay;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var (region, overlay) = OverlayKey.Read(this.GetPrimaryKeyString());
        var stored = context.OpenPlaces(overlay, this.GetGrainId(), Abandon);
        await stored.OpenAsync();
        places = new OverlayPlacement(
            stored, () => context.Options, leader => GrainFactory.GetGrain<IInternalPlacementGrain>(region).Hear(leader));
        LogRestored(Overlay, stored.Places.Nodes, stored.Places.Reserved);
    }

    public Task<OverlayReply> Answer(LeaderEpoch by, OverlayCall call) => places.Answer(by, call);

    public Task<int> CountNodes() => places.CountNodes();

    public Task<bool> Holds(string identity) => places.Holds(identity);

    public Task<Confirmation> Confirm(string identity) => places.Confirm(identity);

    public Task<string?> LetIn(string identity) => places.LetIn(identity);

    public Task Release(string identity) => places.Release(identity);

    public Task<bool> LivedBefore(string identity, DecisionStamp decided) => Task.FromResult(places.LivedBefore(identity, decided));

    public Task Leave(string identity, DecisionStamp decided) => places.Leave(identity, decided);

    public Task Remove(string identity, bool isGone) => places.Remove(identity, isGone);

    // Memory is ahead of the store and nobody knows by how much: the next activation reads what is true.
    private void Abandon(Exception fault)
    {
        LogLost(Overlay, fault);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Information, "Places of {Overlay} restored: {Nodes} nodes and {Reserved} reservations")]
    private partial void LogRestored(string overlay, int nodes, int reserved);

    [LoggerMessage(LogLevel.Error, "Places of {Overlay} could not be stored and are read again")]
    private partial void LogLost(string overlay, Exception fault);
}

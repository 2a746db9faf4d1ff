using ControlPlane.Placement.Overlays;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>Placement as an enrolment sees it: the region chooses, this site's overlays own the places.</summary>
internal sealed class PlacementClient(IGrainFactory grains, IOptionsMonitor<OverlaysOptions> options)
{
    private OverlaysOptions Options => options.CurrentValue;

    private IInternalPlacementGrain Region => grains.GetGrain<IInternalPlacementGrain>(Options.Region);

    /// <summary>Has the region followed and its plans go on, whichever silo did that before.</summary>
    public Task WakeAsync() => Region.Wake();

    /// <summary>Safe to repeat, as <see cref="IInternalPlacementGrain.Place"/>.</summary>
    public Task<PlacementOutcome> PlaceAsync(PlacementRequest request) => Region.Place(request);

    /// <summary>
    /// Where the region has reserved a place in an overlay of this site for a node that was handed over; null when it has not.
    /// </summary>
    public async Task<PlacementOutcome.Placed?> FindReservedAsync(string identity)
    {
        foreach (var overlay in Options.Members.Keys.Where(Options.Serves))
        {
            if (await Overlay(overlay).Holds(identity))
            {
                var reason = (await Region.Explain(identity))?.Reason ?? "the region reserved its place";
                return new PlacementOutcome.Placed(overlay, reason, DateTimeOffset.MaxValue);
            }
        }

        return null;
    }

    /// <summary>Makes the place of a node that arrived permanent. Safe to repeat.</summary>
    /// <returns>Why it has none; null when it has.</returns>
    public async Task<string?> ConfirmAsync(string identity, string overlay)
    {
        switch (await Overlay(overlay).Confirm(identity))
        {
            case Confirmation.Lives:
                return null;

            case Confirmation.NoPlace:
                return $"{identity} has no place in {overlay}: it was given back";

            default:
                return await Region.Readmit(identity, overlay) is { } rule
                    ? $"the place of {identity} in {overlay} lapsed, and {rule} does not let it in any more"
                    : await Overlay(overlay).LetIn(identity);
        }
    }

    /// <summary>Gives back the place of an enrolment that ended without arrival. Safe to repeat.</summary>
    public Task ReleaseAsync(string identity, string overlay) =>
        Options.Serves(overlay) ? Overlay(overlay).Release(identity) : Task.CompletedTask;

    /// <summary>A node left the fleet, or is let in again: its place is free, and whether it left is remembered. Safe to repeat.</summary>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    public Task RemoveAsync(string identity, string? overlay, bool isGone) => Task.WhenAll(
        Options.Members.Keys.Where(Options.Serves).Select(name => Overlay(name).Remove(identity, isGone && name == overlay)));

    private IOverlayPlacementGrain Overlay(string name) => grains.GetOverlay(Options.Region, name);
}

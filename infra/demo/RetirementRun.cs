using ControlPlane.FleetSimulator;
using ControlPlane.Placement;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>Retires one overlay of an enrolled region by an approved plan.</summary>
/// <param name="options">What is shown.</param>
/// <param name="display">Where.</param>
/// <param name="time">The clock.</param>
/// <param name="view">All sites; the first leads the region.</param>
internal sealed class RetirementRun(DemoOptions options, IDemoDisplay display, TimeProvider time, FleetView view)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly RegionView region = view.Region(0);
    private readonly SortedSet<string> exceeded = new(StringComparer.Ordinal);

    /// <returns>The overlay that was retired, and what was not as it was meant to be.</returns>
    public async Task<(string Overlay, IReadOnlyList<string> Faults)> RunAsync(SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var before = await view.OverlaysAsync(cancellationToken);
        Say("placed by customer:", before);

        // The least of them: the others have room for its nodes whatever the policy made of the arrivals. Not the first, which leads the
        // region and hears all nodes that come in.
        var leaving = before.Where(overlay => overlay.Name != EnrolmentStage.Overlay).MinBy(overlay => (overlay.Nodes, overlay.Name))!.Name;
        var plan = await region.PlanAsync(PlanKind.Retire, leaving, cancellationToken);
        Say(plan);
        await region.ApproveAsync(plan.Id, cancellationToken);
        var ended = await FollowAsync(plan, fleet, cancellationToken);

        var after = await view.OverlaysAsync(cancellationToken);
        Say($"after {plan.Id}:", after);
        display.Say($"{plan.Id}: moved {ended.Moved}/{plan.Nodes} failed {ended.Failed} skipped {ended.Skipped} limits exceeded {exceeded.Count}");
        var left = after.Single(overlay => overlay.Name == leaving);
        return (leaving, [.. PlacementVerification.PlanFaults(plan, ended, left), .. exceeded]);
    }

    private async Task<PlanProgress> FollowAsync(PlacementPlan plan, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var overlays = await view.OverlaysAsync(cancellationToken);
            exceeded.UnionWith(PlacementVerification.LimitFaults(overlays));
            var progress = await region.ProgressAsync(plan.Id, cancellationToken);
            var elapsed = time.GetElapsedTime(began);
            display.Say($"{elapsed.TotalSeconds,4:0} s  {plan.Id} {progress.Stage.ToString().ToLowerInvariant()}  moved {progress.Moved}/{plan.Nodes}  "
                + $"failed {progress.Failed}  arrived {fleet.Progress().Arrived}");

            // The last node has moved when it has arrived; its old overlay hears that a moment later.
            var isEmpty = overlays.Single(overlay => overlay.Name == plan.Overlay).State == OverlayState.Retired;
            var isOver = progress.Stage is PlanStage.Aborted or PlanStage.Paused || (progress.Stage == PlanStage.Done && isEmpty);
            if ((isOver && fleet.Progress().Arrived >= fleet.ExpectedArrivals) || elapsed > options.Patience + plan.Duration)
            {
                return progress;
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    private void Say(string title, IReadOnlyList<OverlaySnapshot> overlays)
    {
        display.Say(title);
        foreach (var overlay in overlays)
        {
            display.Say(
                $"  {overlay.Name}  {overlay.State,-8}  {overlay.Nodes,5} nodes  {overlay.Reserved,4} reserved  of {overlay.HardLimit}");
        }
    }

    private void Say(PlacementPlan plan)
    {
        display.Say($"{plan.Id}: {plan.Nodes} nodes in {plan.Moves.Count} moves, lower bound {plan.LowerBound}, ratio {plan.Ratio:0.000}, "
            + $"{plan.Unplaced} without a place, {plan.Duration.TotalMinutes:0.#} min at the allowed rate");
        foreach (var peak in plan.Peaks.Where(peak => peak.Before != peak.After))
        {
            display.Say($"  {peak.Overlay}  {peak.Before} to {peak.After}, at most {peak.Peak} of {peak.HardLimit}");
        }
    }
}

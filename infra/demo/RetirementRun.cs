using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.Placement;

namespace ControlPlane.Demo;

/// <summary>Retires one overlay of an enrolled region by an approved plan, and checks what became of its nodes.</summary>
/// <param name="options">What is shown.</param>
/// <param name="display">Where.</param>
/// <param name="time">The clock.</param>
/// <param name="region">The region.</param>
/// <param name="brokers">The broker of each overlay, as nodes are told it.</param>
internal sealed class RetirementRun(
    DemoOptions options, IDemoDisplay display, TimeProvider time, RegionView region, IReadOnlyDictionary<string, string> brokers)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly SortedSet<string> exceeded = new(StringComparer.Ordinal);

    /// <returns>How many faults were found; each was said.</returns>
    public async Task<int> RunAsync(SimulatedFleet fleet, ControlPlaneView view, CancellationToken cancellationToken)
    {
        var before = await region.OverlaysAsync(cancellationToken);
        Say("placed by customer:", before);
        var faults = PlacementVerification.Faults(
            fleet.Nodes, await view.ListAsync(cancellationToken), options.Customers, brokers).ToList();

        // The least of them: the others have room for its nodes whatever the policy made of the arrivals.
        var leaving = before.MinBy(overlay => (overlay.Nodes, overlay.Name))!.Name;
        var plan = await region.PlanAsync(PlanKind.Retire, leaving, cancellationToken);
        Say(plan);
        await region.ApproveAsync(plan.Id, cancellationToken);
        var ended = await FollowAsync(plan, fleet, cancellationToken);

        var after = await region.OverlaysAsync(cancellationToken);
        Say($"after {plan.Id}:", after);
        faults.AddRange(PlacementVerification.PlanFaults(plan, ended, after.Single(overlay => overlay.Name == leaving)));
        faults.AddRange(PlacementVerification.Faults(fleet.Nodes, await view.ListAsync(cancellationToken), options.Customers, brokers));
        faults.AddRange(exceeded);
        foreach (var fault in Verification.Shortened(faults))
        {
            display.Say($"fault: {fault}");
        }

        display.Say($"{plan.Id}: moved {ended.Moved}/{plan.Nodes} failed {ended.Failed} skipped {ended.Skipped} "
            + $"customers split {faults.Count(fault => fault.Contains("is split", StringComparison.Ordinal))} limits exceeded {exceeded.Count}");
        return faults.Count;
    }

    private async Task<PlanProgress> FollowAsync(PlacementPlan plan, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            exceeded.UnionWith(PlacementVerification.LimitFaults(await region.OverlaysAsync(cancellationToken)));
            var progress = await region.ProgressAsync(plan.Id, cancellationToken);
            var elapsed = time.GetElapsedTime(began);
            display.Say($"{elapsed.TotalSeconds,4:0} s  {plan.Id} {progress.Stage.ToString().ToLowerInvariant()}  moved {progress.Moved}/{plan.Nodes}  "
                + $"failed {progress.Failed}  arrived {fleet.Progress().Arrived}");
            var isOver = progress.Stage is PlanStage.Done or PlanStage.Aborted or PlanStage.Paused;
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

using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using SimulatedNode = ControlPlane.FleetSimulator.SimulatedNode;

namespace ControlPlane.Demo;

/// <summary>Holds where nodes are against where placement may have put them. Pure.</summary>
internal static class PlacementVerification
{
    /// <summary>Customers whose nodes are apart, and nodes that are elsewhere than the control plane says.</summary>
    /// <param name="nodes">In the order of their numbers: a node's customer is its number's remainder.</param>
    /// <param name="listed">What the control plane says.</param>
    /// <param name="customers">How many customers there are.</param>
    /// <param name="brokers">The broker of each overlay.</param>
    public static IEnumerable<string> Faults(
        IReadOnlyList<SimulatedNode> nodes, IReadOnlyList<RosterEntry> listed, int customers, IReadOnlyDictionary<string, string> brokers)
    {
        var overlays = listed.ToDictionary(entry => entry.Identity, entry => entry.Overlay, StringComparer.Ordinal);
        foreach (var customer in nodes.Select((node, number) => (node, number)).Where(pair => pair.node.MayArrive)
            .GroupBy(pair => pair.number % customers, pair => overlays.GetValueOrDefault(pair.node.Identity)))
        {
            var homes = customer.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            if (homes.Length > 1)
            {
                yield return $"customer {customer.Key} is split: {string.Join(", ", homes.Select(home => home ?? "nowhere"))}";
            }
        }

        foreach (var node in nodes.Where(node => node.MayArrive))
        {
            if (overlays.GetValueOrDefault(node.Identity) is not { } overlay || brokers.GetValueOrDefault(overlay) != node.Network)
            {
                yield return $"{node.Identity}: serves on {node.Network ?? "no network"}, which is not that of its overlay";
            }
        }
    }

    /// <summary>Overlays that hold more than they may.</summary>
    public static IEnumerable<string> LimitFaults(IReadOnlyList<OverlaySnapshot> overlays) => overlays
        .Where(overlay => overlay.Nodes + overlay.Reserved > overlay.HardLimit)
        .Select(overlay => $"{overlay.Name} held more than its {overlay.HardLimit} nodes");

    /// <summary>Why a retirement is not what it was meant to be.</summary>
    public static IEnumerable<string> PlanFaults(PlacementPlan plan, PlanProgress ended, OverlaySnapshot? left)
    {
        if (ended.Stage != PlanStage.Done)
        {
            yield return $"{plan.Id} is {ended.Stage}: {ended.Reason}";
        }

        if (ended.Moved != plan.Nodes || plan.Unplaced > 0)
        {
            yield return $"{plan.Id} moved {ended.Moved} of {plan.Nodes + plan.Unplaced} nodes: {string.Join("; ", ended.Reports.TakeLast(3))}";
        }

        if (left is { } overlay && (overlay.Nodes + overlay.Reserved > 0 || overlay.State != OverlayState.Retired))
        {
            yield return $"{overlay.Name} is {overlay.State} with {overlay.Nodes} nodes";
        }
    }
}

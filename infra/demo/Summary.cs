using System.Globalization;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;

namespace ControlPlane.Demo;

/// <summary>The last line of a run.</summary>
/// <param name="Enrolled">Nodes that the control plane lists as enrolled.</param>
/// <param name="Nodes">Nodes simulated.</param>
/// <param name="Silent">Nodes reported as silent.</param>
/// <param name="Refused">Nodes reported as quarantined.</param>
/// <param name="Duration">From the first startup event to the last arrival.</param>
/// <param name="Median">From a node's startup event to its arrival.</param>
/// <param name="Slowest">The same, of the slowest hundredth.</param>
internal sealed record Summary(int Enrolled, int Nodes, int Silent, int Refused, TimeSpan Duration, TimeSpan Median, TimeSpan Slowest)
{
    /// <summary>How many enrolled nodes each overlay owns; empty where there is one overlay.</summary>
    public IReadOnlyList<(string Overlay, int Nodes)> Owned { get; init; } = [];

    private const int ReasonsMax = 10;

    public static Summary Of(IReadOnlyList<SimulatedNode> nodes, IReadOnlyList<RosterEntry> listed)
    {
        var waits = nodes
            .Where(node => node.ArrivedAt is not null && node.AnnouncedAt is not null)
            .Select(node => node.ArrivedAt!.Value - node.AnnouncedAt!.Value)
            .Order()
            .ToList();
        var duration = waits.Count == 0
            ? TimeSpan.Zero
            : nodes.Max(node => node.ArrivedAt)!.Value - nodes.Min(node => node.AnnouncedAt)!.Value;
        return new Summary(
            listed.Count(entry => entry.Stage == NodeStage.Enrolled),
            nodes.Count,
            listed.Count(entry => entry.Stage == NodeStage.Silent),
            listed.Count(entry => entry.Stage == NodeStage.Quarantined),
            duration,
            Percentile(waits, 50),
            Percentile(waits, 99));
    }

    /// <summary>Why nodes are not enrolled, each reason once with the number of its nodes, the most frequent first.</summary>
    public static IEnumerable<string> Reasons(IReadOnlyList<RosterEntry> listed) =>
        listed.Where(entry => entry.Stage != NodeStage.Enrolled)
            .GroupBy(entry => (entry.Stage, entry.Reason))
            .OrderByDescending(group => group.Count())
            .Take(ReasonsMax)
            .Select(group => $"{group.Count()} {group.Key.Stage.ToString().ToLowerInvariant()}: {group.Key.Reason}");

    /// <summary>The smallest that at least so many percent do not exceed; zero of none.</summary>
    public static TimeSpan Percentile(IReadOnlyList<TimeSpan> sorted, int percent) => sorted.Count == 0
        ? TimeSpan.Zero
        : sorted[Math.Max(0, (int)Math.Ceiling(sorted.Count * percent / 100.0) - 1)];

    public override string ToString()
    {
        var perMinute = Duration > TimeSpan.Zero ? Enrolled / Duration.TotalMinutes : 0;
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"enrolled {Enrolled}/{Nodes} silent {Silent} refused {Refused} seconds {Duration.TotalSeconds:0.0} "
                + $"nodes/minute {perMinute:0} p50 {Median.TotalSeconds:0.00} s p99 {Slowest.TotalSeconds:0.00} s");
        return Owned.Count == 0 ? line : $"{line} owned {string.Join(' ', Owned.Select(overlay => $"{overlay.Overlay} {overlay.Nodes}"))}";
    }
}

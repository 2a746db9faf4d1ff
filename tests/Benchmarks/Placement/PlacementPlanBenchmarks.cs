using System.Diagnostics;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;

namespace ControlPlane.Benchmarks.Placement;

/// <summary>The largest overlay beside the mean, after a million arrivals.</summary>
public sealed class PlacementBalanceBenchmark : IBenchmark
{
    public string Name => "placement-balance";

    public string Unit => "nodes";

    public int Rounds => 1;

    public IReadOnlyDictionary<string, double> Details
    {
        get
        {
            var ledger = BenchmarkFleet.Instance.Ledger;
            return new Dictionary<string, double>
            {
                ["nodes"] = ledger.NodeCount,
                ["groups"] = ledger.Groups.Count,
                ["groups_split"] = ledger.Groups.Count(group => group.IsSplit),
                ["largest_group"] = ledger.Groups.Max(group => group.Members),
                ["bytes_per_node"] = BenchmarkFleet.Instance.BytesPerNode,
            };
        }
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) =>
        Task.FromResult((double)BenchmarkFleet.Instance.Ledger.Overlays.Max(overlay => overlay.Load));

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        Task.FromResult(BenchmarkFleet.Instance.Ledger.Overlays.Average(overlay => (double)overlay.Load));
}

/// <summary>The moves of a plan beside the bound that no plan can go below.</summary>
public abstract class PlacementMovesBenchmark : IBenchmark
{
    private readonly Dictionary<string, double> details = [];

    private protected abstract PlanKind Kind { get; }

    public string Name => $"placement-{Kind.ToString().ToLowerInvariant()}";

    public string Unit => "moves";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    private protected abstract RegionState Ledger { get; }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => Task.FromResult((double)Make().Nodes);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => Task.FromResult((double)Make().LowerBound);

    private PlacementPlan Make()
    {
        var ledger = Ledger;
        var began = Stopwatch.GetTimestamp();
        var plan = PlanMaker.Make(ledger, Kind, ledger.Overlay("o07"))
            .Finish("bench", new PlanRequest(Kind, "o07"), "bench", DateTimeOffset.UnixEpoch);
        details["plan_s"] = Stopwatch.GetElapsedTime(began).TotalSeconds;
        details["unplaced"] = plan.Unplaced;
        var receivers = plan.Peaks.Where(peak => Kind != PlanKind.Drain || peak.Overlay != "o07").ToArray();
        details["max_over_mean_after"] = receivers.Max(peak => peak.After) / receivers.Average(peak => (double)peak.After);
        details["limit_exceeded"] = plan.Peaks.Count(peak => peak.Peak > peak.HardLimit);
        return plan;
    }
}

/// <summary>Empties one overlay of a million nodes.</summary>
public sealed class PlacementDrainBenchmark : PlacementMovesBenchmark
{
    private protected override PlanKind Kind => PlanKind.Drain;

    private protected override RegionState Ledger => BenchmarkFleet.Instance.Ledger;
}

/// <summary>Brings nodes into four new overlays.</summary>
public sealed class PlacementExpandBenchmark : PlacementMovesBenchmark
{
    private readonly Lazy<RegionState> expanded = new(() =>
    {
        var options = BenchmarkFleet.OptionsFor(BenchmarkFleet.OverlayCount + 4);
        var ledger = BenchmarkFleet.Instance.Ledger.Shadow(options, BenchmarkFleet.Instance.Policy);
        foreach (var name in options.Members.Keys.Where(name => ledger.Overlay(name) is null))
        {
            ledger.Apply(new PlacementChange.OverlaySet(name, OverlayState.Active, "added"));
        }

        ledger.Configure(options);
        return ledger;
    });

    private protected override PlanKind Kind => PlanKind.Expand;

    private protected override RegionState Ledger => expanded.Value;
}

using ControlPlane.Hosting;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>Counts the overlay's nodes at its own pace, so that a hundred open consoles cost no more than one.</summary>
internal sealed partial class FleetSummarySource(
    IGrainFactory grains, Locality locality, TimeProvider time, ILogger<FleetSummarySource> logger)
{
    private const int RefusedPerSliceMax = 8;
    private const int RefusedMax = 20;
    private const int SamplesMax = 64;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RateWindow = TimeSpan.FromMinutes(1);

    private readonly Queue<(DateTimeOffset At, int Enrolled)> _samples = new();
    private volatile FleetSummary? _latest;

    /// <summary>The last count, two seconds old at most while the cluster answers.</summary>
    public async ValueTask<FleetSummary> LatestAsync() => _latest ?? await CountAsync();

    public async Task RenewAsync() => _latest = await CountAsync();

    private async Task<FleetSummary> CountAsync()
    {
        var slices = Enumerable.Range(0, FleetSlices.Count).Select(grains.GetSlice).ToList();
        var counts = await Task.WhenAll(slices.Select(slice => slice.CountStages()));
        var stages = Enum.GetValues<NodeStage>().Where(stage => stage != NodeStage.Unknown)
            .ToDictionary(stage => stage, stage => counts.Sum(count => count.GetValueOrDefault(stage)));

        var refusing = slices.Where((_, index) => counts[index].GetValueOrDefault(NodeStage.Quarantined) > 0);
        var refused = await Task.WhenAll(refusing.Select(slice => slice.List(NodeStage.Quarantined, null, RefusedPerSliceMax)));

        var now = time.GetUtcNow();
        return new FleetSummary(
            now,
            locality.Region,
            locality.Overlay,
            stages.Values.Sum(),
            stages,
            RateAt(now, stages[NodeStage.Enrolled]),
            await ListOverlaysAsync(),
            [.. refused.SelectMany(entries => entries).OrderByDescending(entry => entry.Since).Take(RefusedMax)]);
    }

    // The overlays may belong to a region that is cut off: the rest of the page is worth showing all the same.
    private async Task<IReadOnlyList<OverlayStatus>?> ListOverlaysAsync()
    {
        try
        {
            return await OverlayStatus.ListAsync(grains, locality.Region);
        }
        catch (Exception away) when (away is TimeoutException or Orleans.Runtime.OrleansException)
        {
            LogAway(away.Message);
            return null;
        }
    }

    private int RateAt(DateTimeOffset now, int enrolled)
    {
        lock (_samples)
        {
            _samples.Enqueue((now, enrolled));
            while (_samples.Count > SamplesMax || now - _samples.Peek().At > RateWindow)
            {
                _samples.Dequeue();
            }

            var (since, before) = _samples.Peek();
            var observed = now - since;
            return observed < Interval ? 0 : Math.Max(0, (int)((enrolled - before) * (RateWindow / observed)));
        }
    }

    [LoggerMessage(LogLevel.Warning, "The fleet could not be counted: {Reason}")]
    private partial void LogAway(string reason);
}

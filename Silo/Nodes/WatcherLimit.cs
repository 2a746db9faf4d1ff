using System.Diagnostics.Metrics;
using ControlPlane.Api;

namespace ControlPlane.Nodes;

/// <summary>
/// Places for watchers of one silo, of nodes and of jobs. Each costs a connection; those of nodes all read the same window of the feed.
/// </summary>
internal sealed class WatcherLimit
{
    /// <summary>Watchers at once.</summary>
    public const int Max = 256;

    private readonly ObservableGauge<int> gauge;
    private int taken;

    public WatcherLimit() => gauge = ApiMeter.Meter.CreateObservableGauge(
        "controlplane.api.watchers", () => Volatile.Read(ref taken), "{watcher}", "Open watches of nodes and jobs.");

    /// <summary>Takes a place until the answer is over, however it ends; false when there is none.</summary>
    public bool TryTake(HttpResponse answer)
    {
        // Taken first and counted then: watchers that come at once cannot take the same one.
        if (Interlocked.Increment(ref taken) > Max)
        {
            Interlocked.Decrement(ref taken);
            return false;
        }

        answer.OnCompleted(() =>
        {
            Interlocked.Decrement(ref taken);
            return Task.CompletedTask;
        });
        return true;
    }
}

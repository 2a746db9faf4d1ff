using System.Collections.Concurrent;
using ControlPlane.Flow;

namespace ControlPlane.Enrolment;

/// <summary>The arrival windows of this silo, one for each overlay, and what they notice for the overlays' controls. Thread-safe.</summary>
internal sealed class ArrivalWindows(AdmissionOptions options, TimeSpan deadline, ControlCache cache, TimeProvider time) : IDisposable
{
    /// <summary>By overlays that nodes were placed in: bounded by those that were ever configured.</summary>
    private readonly ConcurrentDictionary<string, ArrivalWindow> windows = new(StringComparer.Ordinal);

    public IEnumerable<(string Overlay, GateLoad Load)> Loads => windows.Select(window => (window.Key, window.Value.Load));

    /// <inheritdoc cref="ArrivalWindow.Holds"/>
    public bool Holds(string overlay, string identity) => Find(overlay)?.Holds(identity) == true;

    /// <inheritdoc cref="ArrivalWindow.EnterAsync"/>
    public Task EnterAsync(
        string overlay, string group, string identity, DateTimeOffset waitingSince, CancellationToken cancellationToken) =>
        windows.GetOrAdd(overlay, _ => new ArrivalWindow(options.ArrivalsAwaitedMin, options.ArrivalsAwaitedMax, deadline, time))
            .EnterAsync(group, identity, waitingSince, cancellationToken);

    /// <inheritdoc cref="ArrivalWindow.Restarted"/>
    public void Restarted(string overlay, string identity) => Find(overlay)?.Restarted(identity);

    /// <inheritdoc cref="ArrivalWindow.Arrived"/>
    public void Arrived(string overlay, string identity)
    {
        if (Find(overlay)?.Arrived(identity) == true)
        {
            cache.Arrived(overlay);
        }
    }

    /// <inheritdoc cref="ArrivalWindow.Missed"/>
    public bool Missed(string overlay, string identity, TimeSpan heardFor)
    {
        if (Find(overlay)?.Missed(identity, heardFor) != true)
        {
            return false;
        }

        cache.Missed(overlay, identity);
        return true;
    }

    /// <inheritdoc cref="ArrivalWindow.Leave"/>
    public void Leave(string overlay, string identity) => Find(overlay)?.Leave(identity);

    /// <summary>Called once a second, by one caller.</summary>
    public void Tend()
    {
        foreach (var window in windows.Values)
        {
            window.Tend();
        }
    }

    public void Dispose()
    {
        foreach (var window in windows.Values)
        {
            window.Dispose();
        }
    }

    private ArrivalWindow? Find(string overlay) => windows.GetValueOrDefault(overlay);
}

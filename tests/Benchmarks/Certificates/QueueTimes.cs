using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>How long orders waited for their turn at the issuer, by the metric that says so in production.</summary>
internal sealed class QueueTimes : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly ConcurrentQueue<double> seconds = new();

    public QueueTimes()
    {
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name == "controlplane.certificates.queue.duration")
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => seconds.Enqueue(value));
        listener.Start();
    }

    /// <summary>The 99th percentile of the waits since the last call, in milliseconds.</summary>
    public double TakeP99()
    {
        var taken = new List<double>(seconds.Count);
        while (seconds.TryDequeue(out var wait))
        {
            taken.Add(wait);
        }

        taken.Sort();
        return taken.Count == 0 ? double.NaN : taken[(int)(taken.Count * 0.99)] * 1000;
    }

    public void Dispose() => listener.Dispose();
}

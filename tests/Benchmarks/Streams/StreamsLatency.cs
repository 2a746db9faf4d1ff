namespace ControlPlane.Benchmarks.Streams;

/// <summary>
/// The 99th percentile from publish to partition grain at 1,000 events a second. Less is better: a ratio over 1 is what we add.
/// </summary>
public sealed class StreamsLatency : IBenchmark, IAsyncDisposable
{
    private const int PerSecond = 1000;
    private const int Events = 5 * PerSecond;
    private readonly Dictionary<string, double> _details = [];
    private StreamsSilo? _silo;

    public string Name => "streams-latency";

    public string Unit => "ms";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => _details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        _silo = await StreamsSilo.StartAsync(partitions: 16, withProvider: true, cancellationToken);
        await RunOursAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        _silo!.Count.Latencies = [];
        var reached = _silo.Count.ExpectAsync(Events);
        await _silo.PublishEvenlyAsync(Events, PerSecond, cancellationToken);
        await reached.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        double[] sorted = [.. _silo.Count.Latencies.Order()];
        _silo.Count.Latencies = null;
        _details["p50 ms"] = sorted[sorted.Length / 2];
        return sorted[sorted.Length * 99 / 100];
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var latencies = new List<double>(Events);
        var reading = _silo!.ReadAllRawAsync(
            Events, heard => latencies.Add(System.Diagnostics.Stopwatch.GetElapsedTime(heard.SentAt).TotalMilliseconds), cancellationToken);

        // The provider reads along; both then have the same load beside them.
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        await _silo.PublishEvenlyAsync(Events, PerSecond, cancellationToken);
        await reading.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        latencies.Sort();
        return latencies[latencies.Count * 99 / 100];
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }
    }
}

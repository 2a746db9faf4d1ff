namespace ControlPlane.Benchmarks.Streams;

/// <summary>
/// The heap after a million events to 20,000 node grains, beside the heap before the first of them, both after a full collection. A ratio
/// that stays at 1 over the rounds is what flat means.
/// </summary>
public sealed class StreamsMemory : IBenchmark, IAsyncDisposable
{
    private const int Filled = 200_000;
    private const int Readings = 5;
    private const double Mebibyte = 1 << 20;
    private static readonly TimeSpan Sampling = TimeSpan.FromMilliseconds(50);
    private StreamsSilo? _silo;
    private double _before;
    private double _highest;
    private long _events;

    public string Name => "streams-memory";

    public string Unit => "MiB";

    public int Rounds => 3;

    /// <summary>Events so far, and the highest heap that was seen, garbage included.</summary>
    public IReadOnlyDictionary<string, double> Details =>
        new Dictionary<string, double> { ["events"] = _events, ["highest MiB"] = _highest };

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        _silo = await StreamsSilo.StartAsync(partitions: 16, withProvider: true, cancellationToken);
        _silo.Count.TellsNodes = true;
        var first = _silo.Count.ExpectAsync(Filled);
        await _silo.FillAsync(Filled, cancellationToken);
        await first.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);
        await _silo.ReadAllAsync(Filled, cancellationToken);
        _before = Collected();
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sampling = SampleAsync(over.Token);
        for (var reading = 0; reading < Readings; reading++)
        {
            await _silo!.ReadAllAsync(Filled, cancellationToken);
            _events += Filled;
        }

        await over.CancelAsync();
        await sampling;
        return Collected();
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => Task.FromResult(_before);

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }
    }

    private async Task SampleAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            _highest = Math.Max(_highest, GC.GetTotalMemory(forceFullCollection: false) / Mebibyte);
            await Task.Delay(Sampling, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static double Collected() => GC.GetTotalMemory(forceFullCollection: true) / Mebibyte;
}

namespace ControlPlane.Benchmarks.Streams;

/// <summary>Events a second from a file-backed JetStream stream, beside the NATS client's own consumer.</summary>
public abstract class StreamsThroughput : IBenchmark, IAsyncDisposable
{
    private const int Events = 200_000;
    private readonly Dictionary<string, double> _details = [];
    private StreamsSilo? _silo;
    private long _heapAtFirst;
    private int _round;

    private protected StreamsThroughput(string name, int partitions, bool tellsNodes, bool cold)
    {
        Name = name;
        Partitions = partitions;
        TellsNodes = tellsNodes;
        Cold = cold;
    }

    public string Name { get; }

    public string Unit => "events/s";

    /// <summary>The heap after a collection, before and after all events.</summary>
    public IReadOnlyDictionary<string, double> Details => _details;

    private int Partitions { get; }

    private bool TellsNodes { get; }

    private bool Cold { get; }

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        _silo = await StreamsSilo.StartAsync(Partitions, withProvider: true, cancellationToken);
        _silo.Count.TellsNodes = TellsNodes;
        var first = _silo.Count.ExpectAsync(Events);
        await _silo.FillAsync(Events, cancellationToken);
        await first.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
        _heapAtFirst = GC.GetTotalMemory(forceFullCollection: true);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        // Ten events for each of 20,000 nodes; when cold, each node's first one makes its grain.
        _silo!.Count.NodePrefix = Cold ? $"{_round++}-" : "";
        var figure = await _silo.ReadAllAsync(Events, cancellationToken);
        _details["heap growth bytes"] = GC.GetTotalMemory(forceFullCollection: true) - _heapAtFirst;
        return figure;
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        _silo!.ReadAllRawAsync(Events, onEvent: null, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }
    }
}

/// <summary>To one partition's consumer, that counts.</summary>
public sealed class StreamsPartition() : StreamsThroughput("streams-partition", partitions: 1, tellsNodes: false, cold: false);

/// <summary>To 20,000 node grains that are there.</summary>
public sealed class StreamsWarm() : StreamsThroughput("streams-warm", partitions: 16, tellsNodes: true, cold: false);

/// <summary>To 20,000 node grains that are not.</summary>
public sealed class StreamsCold() : StreamsThroughput("streams-cold", partitions: 16, tellsNodes: true, cold: true);

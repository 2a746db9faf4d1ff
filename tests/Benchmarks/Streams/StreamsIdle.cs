using System.Diagnostics;

namespace ControlPlane.Benchmarks.Streams;

/// <summary>
/// Percent of a core that this process uses while nothing happens: a silo with the provider (a source and sixteen queues of typed events),
/// beside the same silo without. What the provider costs is the difference, and what it costs its nats-server is another.
/// </summary>
public sealed class StreamsIdle : IBenchmark
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(15);
    private readonly List<(double Process, double Server)> _ours = [];
    private readonly List<(double Process, double Server)> _references = [];

    public string Name => "streams-idle";

    public string Unit => "%";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => new Dictionary<string, double>
    {
        ["provider %"] = Median(_ours, one => one.Process) - Median(_references, one => one.Process),
        ["nats-server of the provider %"] = Median(_ours, one => one.Server) - Median(_references, one => one.Server),
    };

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => MeasureAsync(withProvider: true, _ours, cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        MeasureAsync(withProvider: false, _references, cancellationToken);

    // Time of the processor, not of the clock: what else runs on the machine does not count.
    private static async Task<double> MeasureAsync(
        bool withProvider, List<(double Process, double Server)> figures, CancellationToken cancellationToken)
    {
        await using var silo = await StreamsSilo.StartAsync(partitions: 16, withProvider, cancellationToken, withEvents: true);
        await Task.Delay(Settling, cancellationToken);
        using var process = Process.GetCurrentProcess();
        using var server = Process.GetProcessById(silo.ServerProcessId);
        var (processBefore, serverBefore) = (process.TotalProcessorTime, server.TotalProcessorTime);
        await Task.Delay(Measured, cancellationToken);
        process.Refresh();
        server.Refresh();
        figures.Add((
            (process.TotalProcessorTime - processBefore) / Measured * 100, (server.TotalProcessorTime - serverBefore) / Measured * 100));
        return figures[^1].Process;
    }

    private static double Median(List<(double Process, double Server)> figures, Func<(double Process, double Server), double> figure) =>
        figures.Count == 0 ? 0 : Figure.Median(figures.Select(figure));
}

using System.Diagnostics;

namespace ControlPlane.Benchmarks.Streams;

/// <summary>Percent of a core that this process uses while nothing happens: a silo with the provider, beside the same silo without.</summary>
public sealed class StreamsIdle : IBenchmark
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);

    public string Name => "streams-idle";

    public string Unit => "%";

    public int Rounds => 1;

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => MeasureAsync(withProvider: true, cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => MeasureAsync(withProvider: false, cancellationToken);

    private static async Task<double> MeasureAsync(bool withProvider, CancellationToken cancellationToken)
    {
        await using var silo = await StreamsSilo.StartAsync(partitions: 16, withProvider, cancellationToken);
        await Task.Delay(Settling, cancellationToken);
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        await Task.Delay(Measured, cancellationToken);
        process.Refresh();
        return (process.TotalProcessorTime - before) / Measured * 100;
    }
}

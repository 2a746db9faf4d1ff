using System.Collections.Concurrent;

namespace ControlPlane.Benchmarks.Herd;

/// <summary>
/// How long after the kill of one silo of three an operation last failed or took more than a second, under a steady load of calls to node
/// grains. The reference is what membership needs at the least: three missed probes of one second.
/// </summary>
public sealed class FailoverBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Nodes = 300;
    private const int Callers = 8;
    private const double ProbesSeconds = 3;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, double> details = [];
    private HerdStage? herd;
    private int round;

    public string Name => "failover";

    public string Unit => "s";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken) => herd = await HerdStage.StartAsync(silos: 3, cancellationToken);

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var stage = herd!.Stage;
        var troubles = new ConcurrentQueue<long>();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var calls = 0;
        var callers = Enumerable.Range(0, Callers)
            .Select(number => CallAsync(number, () => Interlocked.Increment(ref calls), troubles, ending.Token)).ToArray();

        await Task.Delay(Before, cancellationToken);
        var killed = TimeProvider.System.GetTimestamp();

        // In turn: a silo that was just started holds no grains yet, and its death would be felt by nobody.
        var victim = 2 - (round++ % 2);
        await stage.Silos[victim]!.KillAsync();
        await Task.Delay(After, cancellationToken);
        await ending.CancelAsync();
        await Task.WhenAll(callers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        await stage.StartSiloAsync(cancellationToken, number: victim);
        var late = troubles.Where(at => at > killed).ToList();
        details["calls"] = calls;
        details["failed-or-slow"] = late.Count;
        return late.Count == 0 ? 0 : late.Max(at => TimeProvider.System.GetElapsedTime(killed, at).TotalSeconds);
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => Task.FromResult(ProbesSeconds);

    public ValueTask DisposeAsync() => herd?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task CallAsync(int number, Action called, ConcurrentQueue<long> troubles, CancellationToken cancellationToken)
    {
        var api = herd!.Stage.Silos[0]!.Api;
        for (var turn = number; !cancellationToken.IsCancellationRequested; turn += Callers)
        {
            var begun = TimeProvider.System.GetTimestamp();
            try
            {
                using var answer = await api.GetAsync($"/v1/nodes/herd0-{turn % Nodes:00000}.sim.example.net", cancellationToken);
                called();
                if (!answer.IsSuccessStatusCode || TimeProvider.System.GetElapsedTime(begun) > Slow)
                {
                    troubles.Enqueue(TimeProvider.System.GetTimestamp());
                }
            }
            catch (HttpRequestException)
            {
                troubles.Enqueue(TimeProvider.System.GetTimestamp());
            }
        }
    }
}

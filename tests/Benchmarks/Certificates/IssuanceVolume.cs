using System.Diagnostics;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>
/// 60,000 nodes, each its first certificate, by an embedded RSA-2048 CA, with the ledger on disk (Redis, append-only file).
/// </summary>
/// <remarks>
/// More orders are in flight than the CA signs at once, so that they queue: durations hold that wait. The reference is the first tenth of
/// the same load: what is slower or larger at the end than there does not last.
/// </remarks>
public sealed class IssuanceVolume : IBenchmark, IAsyncDisposable
{
    private const int Nodes = 60_000;
    private const int FirstNodes = Nodes / 10;
    private const int InFlight = 256;

    private readonly Dictionary<string, double> details = [];
    private readonly string[] requests = new string[Nodes];
    private readonly QueueTimes queue = new();
    private RedisServer? redis;
    private IssuanceHost? host;

    public string Name => "issuance-volume";

    public string Unit => "orders/min";

    // One round is all nodes; a second would be their second certificates.
    public int Rounds => 1;

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        Parallel.For(0, Nodes, number => requests[number] = SigningRequests.Elliptic(IdentityOf(number)));
        redis = await RedisServer.StartAsync(new RedisServerSettings { AppendOnly = true }, cancellationToken);
        host = await IssuanceHost.StartAsync("Rsa2048", redis.ConnectionString, cancellationToken);
        await RunAsync("warm-up", 0, 500, order: 0, cancellationToken);
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) =>
        RunAsync("all", FirstNodes, Nodes, order: 1, cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) =>
        RunAsync("first", 0, FirstNodes, order: 1, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        queue.Dispose();
        if (host is not null)
        {
            await host.DisposeAsync();
        }

        if (redis is not null)
        {
            await redis.DisposeAsync();
        }
    }

    private async Task<double> RunAsync(string part, int from, int to, int order, CancellationToken cancellationToken)
    {
        var durations = new double[to - from];
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(from, to - from),
            new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = cancellationToken },
            async (number, token) =>
            {
                var ordered = Stopwatch.GetTimestamp();
                await host!.OrderAsync(IdentityOf(number), order, requests[number], token);
                durations[number - from] = Stopwatch.GetElapsedTime(ordered).TotalMilliseconds;
            });
        var elapsed = Stopwatch.GetElapsedTime(began);
        Array.Sort(durations);
        details[$"{part}-queue-p99-ms"] = queue.TakeP99();
        details[$"{part}-p50-ms"] = durations[durations.Length / 2];
        details[$"{part}-p99-ms"] = durations[(int)(durations.Length * 0.99)];
        details[$"{part}-cpu-us-per-order"] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / durations.Length;
        details[$"{part}-memory-mb"] = GC.GetTotalMemory(forceFullCollection: true) / 1e6;
        return durations.Length / elapsed.TotalMinutes;
    }

    private static string IdentityOf(int number) => $"web{number}.example.net";
}

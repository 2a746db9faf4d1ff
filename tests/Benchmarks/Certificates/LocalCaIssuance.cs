using System.Diagnostics;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;

namespace ControlPlane.Benchmarks.Certificates;

public sealed class LocalCaRsa2048() : LocalCaIssuance("issuance-localca-rsa2048", "Rsa2048");

public sealed class LocalCaRsa4096() : LocalCaIssuance("issuance-localca-rsa4096", "Rsa4096");

public sealed class LocalCaP256() : LocalCaIssuance("issuance-localca-p256", "P256");

/// <summary>
/// Orders through the issuance grains of a silo, over the embedded CA and a ledger in memory: admission, the checks of request, key and
/// answer, two ledger writes with their history records. The reference is a loop on every core with the platform's own types, which reads
/// the same requests, verifies them and signs the same certificates, and neither judges a key's strength nor checks an answer nor keeps
/// anything (<see cref="SigningLoops.ByThePlatformAsync"/>). <c>leanest-…</c> is a second ceiling, measured once:
/// <see cref="SigningLoops.ByOurWriterAsync"/>.
/// </summary>
public abstract class LocalCaIssuance(string name, string keyKind) : IBenchmark, IAsyncDisposable
{
    private const int InFlight = 64;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(4);

    private readonly Dictionary<string, double> details = [];
    private readonly QueueTimes queue = new();
    private IssuanceHost? host;
    private SigningLoops? loops;
    private string[] requests = [];
    private int lastOrder;

    public string Name => name;

    public string Unit => "orders/min";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        requests = [.. Enumerable.Range(0, InFlight).Select(number => SigningRequests.Choria(SigningLoops.IdentityOf(number)))];
        loops = new SigningLoops(Enum.Parse<LocalCaKeyKind>(keyKind), requests, Round);
        host = await IssuanceHost.StartAsync(keyKind, redis: null, cancellationToken);
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
        (details["leanest-orders-per-min"], details["leanest-cpu-us-per-order"]) = await loops.ByOurWriterAsync();
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        var durations = await OrderAsync(cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(began);
        durations.Sort();
        details["ours-queue-p99-ms"] = queue.TakeP99();
        details["ours-p99-ms"] = durations[(int)(durations.Count * 0.99)].TotalMilliseconds;
        details["ours-cpu-us-per-order"] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / durations.Count;
        details["ours-memory-mb"] = GC.GetTotalMemory(forceFullCollection: false) / 1e6;
        return durations.Count / elapsed.TotalMinutes;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        (var perMinute, details["reference-cpu-us-per-order"]) = await loops!.ByThePlatformAsync();
        return perMinute;
    }

    public async ValueTask DisposeAsync()
    {
        queue.Dispose();
        if (host is not null)
        {
            await host.DisposeAsync();
        }
    }

    private async Task<List<TimeSpan>> OrderAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var workers = Enumerable.Range(0, InFlight).Select(async number =>
        {
            var durations = new List<TimeSpan>();
            while (Stopwatch.GetElapsedTime(began) < Round)
            {
                var ordered = Stopwatch.GetTimestamp();
                var order = Interlocked.Increment(ref lastOrder);
                await host!.OrderAsync(SigningLoops.IdentityOf(number), order, requests[number], cancellationToken);
                durations.Add(Stopwatch.GetElapsedTime(ordered));
            }

            return durations;
        });
        return [.. (await Task.WhenAll(workers)).SelectMany(durations => durations)];
    }
}

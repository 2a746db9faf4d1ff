using ControlPlane.Certificates;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>The orders of the issuance benchmarks and how they are driven: so many at once, from one queue.</summary>
internal static class IssuanceLoad
{
    private const int DistinctRequests = 64;

    /// <summary>Orders of 64 nodes with RSA-2048 keys, as Choria makes them.</summary>
    public static IReadOnlyList<CertificateOrder> Orders { get; } = MakeOrders();

    /// <summary>
    /// Runs a call so often, so many at once; the rate in a minute. Percentile and CPU of this process go to the details.
    /// </summary>
    public static async Task<double> PerMinuteAsync(
        (string Name, Dictionary<string, double> Details) figures,
        int calls,
        int concurrency,
        Func<int, CancellationToken, Task> call,
        CancellationToken cancellationToken)
    {
        var durations = new double[calls];
        var cpu = Environment.CpuUsage.TotalTime;
        var begun = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, calls),
            new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellationToken },
            async (number, token) =>
            {
                var called = TimeProvider.System.GetTimestamp();
                await call(number, token);
                durations[number] = TimeProvider.System.GetElapsedTime(called).TotalMilliseconds;
            });
        var took = TimeProvider.System.GetElapsedTime(begun);
        Array.Sort(durations);
        figures.Details[$"{figures.Name}-p99-ms"] = durations[(int)(calls * 0.99)];
        figures.Details[$"{figures.Name}-cpu-us-per-order"] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / calls;
        return calls / took.TotalMinutes;
    }

    public static CertificateOrder OrderFor(int number) => Orders[number % DistinctRequests];

    private static List<CertificateOrder> MakeOrders()
    {
        var profile = new CertificateProfile { Lifetime = TimeSpan.FromDays(7) };
        var now = TimeProvider.System.GetUtcNow();
        return
        [
            .. Enumerable.Range(1, DistinctRequests).Select(number => $"web{number}.example.net").Select(identity =>
            {
                using var key = System.Security.Cryptography.RSA.Create(2048);
                return CertificateOrders.For(identity, SigningRequests.Make(identity, key), profile, now);
            }),
        ];
    }
}

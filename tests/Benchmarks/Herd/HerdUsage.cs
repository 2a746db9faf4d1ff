using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Chaos;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Herd;

/// <summary>What a herd costs: memory of each process, connections of the silo, and Redis's work.</summary>
internal sealed class HerdUsage(EnrolmentStage stage)
{
    private const string StepMetric = "controlplane_provisioning_step_duration_seconds_bucket";

    private RedisWork? before;

    public async Task BeginAsync() => before = await RedisWork.ReadAsync(stage.Redis.ConnectionString);

    public async Task<IReadOnlyDictionary<string, double>> EndAsync(int nodes, CancellationToken cancellationToken)
    {
        var redis = await RedisWork.ReadAsync(stage.Redis.ConnectionString);
        var details = new Dictionary<string, double>
        {
            ["redis-commands-per-node"] = (double)(redis.Commands - before!.Commands) / nodes,
            ["redis-bytes-per-node"] = (double)(redis.Bytes - before.Bytes) / nodes,
            ["rss-MB-redis"] = ProcessMemory.MegabytesOf(stage.Redis.ProcessId),
            ["rss-MB-nats-provisioning"] = ProcessMemory.MegabytesOf(stage.Brokers.Provisioning.ProcessId),
            ["rss-MB-nats-overlay"] = ProcessMemory.MegabytesOf(stage.Brokers.Overlay.ProcessId),
            ["rss-MB-simulator"] = ProcessMemory.MegabytesOf(Environment.ProcessId),
        };
        foreach (var (silo, number) in stage.Silos.Select((silo, number) => (silo, number)).Where(one => one.silo is { IsRunning: true }))
        {
            details[$"rss-MB-silo-{number + 1}"] = ProcessMemory.MegabytesOf(silo!.ProcessId);
        }

        details["connections-of-silos"] = await ConnectionsAsync(cancellationToken);
        details["nodes-per-connection"] = HerdFleet.NodesPerConnection;
        foreach (var (step, seconds) in await StepsAsync(cancellationToken))
        {
            details[$"p99-at-most-seconds-{step}"] = seconds;
        }

        return details;
    }

    private async Task<int> ConnectionsAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var count = 0;
        foreach (var broker in stage.Brokers.Overlays.Prepend(stage.Brokers.Provisioning))
        {
            var open = await http.GetFromJsonAsync<JsonElement>(
                $"http://127.0.0.1:{broker.MonitorPort}/connz?limit=65536", cancellationToken);
            count += open.GetProperty("connections").EnumerateArray()
                .Count(one => one.TryGetProperty("name", out var name)
                    && name.GetString()!.StartsWith("controlplane-", StringComparison.Ordinal));
        }

        return count;
    }

    // The smallest bound of the histogram that 99 of 100 lie below.
    private async Task<IEnumerable<(string Step, double Seconds)>> StepsAsync(CancellationToken cancellationToken)
    {
        var text = await stage.Silo!.Health.GetStringAsync("/metrics", cancellationToken);
        var buckets =
            from line in text.Split('\n')
            where line.StartsWith(StepMetric, StringComparison.Ordinal)
            let parts = line.Split(' ')
            let bound = Label(line, "le")
            select (Step: Label(line, "step"), Bound: bound == "+Inf" ? double.PositiveInfinity : Number(bound), Count: Number(parts[1]));
        return
            from bucket in buckets
            group bucket by bucket.Step into step
            let total = step.Max(bucket => bucket.Count)
            select (step.Key, step.Where(bucket => bucket.Count >= 0.99 * total).Min(bucket => bucket.Bound));
    }

    private static string Label(string line, string name)
    {
        var start = line.IndexOf($"{name}=\"", StringComparison.Ordinal) + name.Length + 2;
        return line[start..line.IndexOf('"', start)];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

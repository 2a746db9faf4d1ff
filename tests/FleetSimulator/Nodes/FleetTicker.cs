using ControlPlane.FleetSimulator.Broker;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>The one timer of a fleet: alive events, registrations and keep-alives of all nodes, some each second.</summary>
internal static class FleetTicker
{
    private const int PingIntervalSeconds = 120;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(
        SimulatedFleetOptions options,
        IReadOnlyList<NodeRunner> nodes,
        IReadOnlyCollection<NodeRunner> copies,
        SessionPool sessions,
        CancellationToken stopping)
    {
        var aliveSeconds = Math.Max(1, (int)options.AliveInterval.TotalSeconds);
        var due = DueSeconds(nodes.Count, aliveSeconds, new Random(options.Seed));
        using var timer = new PeriodicTimer(Second, options.Time);
        for (var second = 1; await TickAsync(timer, stopping); second++)
        {
            var speaking = due[second % aliveSeconds].Select(index => nodes[index]);
            foreach (var node in second % aliveSeconds == 0 ? speaking.Concat(copies) : speaking)
            {
                node.SayAlive();
            }

            foreach (var node in nodes.Concat(copies))
            {
                node.RegisterIfDue();
            }

            PingSome(sessions.Open, second % PingIntervalSeconds);
        }
    }

    // Agents wait for a random number of whole minutes, so as not to speak all at once; so do these, when the interval has minutes.
    private static ILookup<int, int> DueSeconds(int nodes, int aliveSeconds, Random random)
    {
        const int minute = 60;
        return Enumerable.Range(0, nodes).ToLookup(_ =>
            aliveSeconds > minute ? random.Next(aliveSeconds / minute) * minute : random.Next(aliveSeconds));
    }

    private static void PingSome(IReadOnlyList<BrokerSession> open, int slice)
    {
        for (var position = slice; position < open.Count; position += PingIntervalSeconds)
        {
            open[position].Ping();
        }
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}

using System.Globalization;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Benchmarks.Fleet;

/// <summary>
/// What a million idle nodes take in one process besides their facts: the roster's entry, the pulse with its place in the wheel, the row of
/// the index. Not the node's grain, which is in memory for some minutes after each event of the node. Beside it a raw dictionary of the
/// same entries.
/// </summary>
public sealed class FleetMemoryBenchmark : IBenchmark
{
    private const int Nodes = 1_000_000;

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly LivenessOptions Limits = new() { NodesPerPartitionMax = Nodes };

    private readonly Dictionary<string, double> details = [];

    public string Name => "fleet-memory";

    public string Unit => "B/node";

    public int Rounds => 1;

    public IReadOnlyDictionary<string, double> Details => details;

    public Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var roster = Take("roster_bytes", Rosters);
        var liveness = Take("liveness_bytes", Books);
        var index = Take("index_bytes", () => Indexes(roster));
        details["rss_mb"] = Environment.WorkingSet / (double)(1 << 20);
        GC.KeepAlive(roster);
        GC.KeepAlive(liveness);
        GC.KeepAlive(index);
        return Task.FromResult(details["roster_bytes"] + details["liveness_bytes"] + details["index_bytes"]);
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var raw = Take("dictionary_bytes", () => Enumerable.Range(0, Nodes).ToDictionary(IdentityOf, EntryOf, StringComparer.Ordinal));
        GC.KeepAlive(raw);
        return Task.FromResult(details["dictionary_bytes"]);
    }

    private T Take<T>(string what, Func<T> make)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var made = make();
        details[what] = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Nodes;
        return made;
    }

    private static Roster[] Rosters()
    {
        var slices = Enumerable.Range(0, FleetSlices.Count).Select(_ => new Roster()).ToArray();
        for (var node = 0; node < Nodes; node++)
        {
            slices[FleetSlices.NumberOf(IdentityOf(node))].Put(EntryOf(node));
        }

        return slices;
    }

    private static LivenessTable[] Books()
    {
        var books = Enumerable.Range(0, FleetSlices.Count).Select(_ => new LivenessTable(Limits)).ToArray();
        for (var node = 0; node < Nodes; node++)
        {
            var identity = IdentityOf(node);
            var heard = new FleetEvent(
                identity, FleetEventKind.Alive, "server", "0.30.2", Now, Now, "overlay-1", (ulong)node + 1, identity);
            var table = books[StreamPartition.Of(identity, FleetSlices.Count)];
            Sightings.Of(table.Hear(heard, Now)!, heard);
        }

        foreach (var table in books)
        {
            foreach (var (heartbeats, change) in table.TakeChanges(Nodes, Now))
            {
                table.Confirm(heartbeats, change.To);
            }
        }

        return books;
    }

    // A slice's roster and its index share the entries.
    private static NodeIndex[] Indexes(Roster[] rosters)
    {
        var slices = Enumerable.Range(0, FleetSlices.Count).Select(_ => new NodeIndex(factsPerNodeMax: 1)).ToArray();
        foreach (var (index, roster) in slices.Zip(rosters))
        {
            foreach (var entry in roster.Entries)
            {
                index.Stand(entry);
            }
        }

        return slices;
    }

    private static string IdentityOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node{node:0000000}.bench.example.net");

    // Enrolled, alive, and due for renewal some day.
    private static RosterEntry EntryOf(int node) => new(
        IdentityOf(node), NodeStage.Enrolled, "overlay-1", null, Now, Now.AddSeconds(node), NodeLiveness.Alive, "0.30.2");
}

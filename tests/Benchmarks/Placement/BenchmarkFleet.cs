using System.Globalization;
using ControlPlane.Placement;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Benchmarks.Placement;

/// <summary>
/// A million nodes in 64 overlays of 20,000 that one cluster serves, in groups of up to 3,000 that declare their size: 78 % full. Built
/// once a run, by the engine.
/// </summary>
internal sealed class BenchmarkFleet
{
    public const string Region = "bench";
    public const int Nodes = 1_000_000;
    public const int OverlayCount = 64;
    public const int HardLimit = 20_000;
    private const int GroupMax = 3_000;
    private const int Seed = 20_260_101;

    private static readonly Lazy<BenchmarkFleet> Built = new(() => new BenchmarkFleet());

    private BenchmarkFleet()
    {
        Policy = PolicyReader.Read(PolicyText, null).Policy! with { Version = 1 };
        Options = OptionsFor(OverlayCount);
        BytesBefore = GC.GetTotalMemory(forceFullCollection: true);
        Ledger = Empty(Options);
        foreach (var (identity, claims) in Arrivals(Nodes, Seed))
        {
            Place(Ledger, identity, claims);
        }

        BytesPerNode = (GC.GetTotalMemory(forceFullCollection: true) - BytesBefore) / (double)Nodes;
    }

    public static BenchmarkFleet Instance => Built.Value;

    public const string PolicyText = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: benchmark, version: 1 }
        spec:
          attributes:
            customer: { from: jwt.customer }
            service: { from: jwt.service }
            site: { from: jwt.site }
            expected: { from: jwt.expected, type: number }
          filters:
            - { name: same-site, require: 'overlay.site == node.site' }
            - { name: accepting, require: 'overlay.state == "Active"' }
            - { name: regulated, when: 'node.customer in ["bank-a", "bank-b"]', require: 'overlay.labels.pci == "true"' }
          groups:
            - { name: customer-service, key: [customer, service], mode: required, declaredSizeFrom: expected }
          scores:
            - { name: headroom, weight: 40, fn: headroom }
            - { name: stay-put, weight: 100, fn: sticky }
          rebalance: { maxSkew: 1.05 }
        """;

    public PlacementPolicy Policy { get; }

    public OverlaysOptions Options { get; }

    public RegionState Ledger { get; }

    public double BytesPerNode { get; }

    private long BytesBefore { get; }

    public static OverlaysOptions OptionsFor(int overlays)
    {
        var options = new OverlaysOptions { Region = Region, Local = "o00" };
        for (var i = 0; i < overlays; i++)
        {
            options.Members[$"o{i:00}"] = new OverlayOptions
            {
                Brokers = ["nats://127.0.0.1:4222"],
                ServedBy = options.Local,
                HardLimit = HardLimit,
                SoftLimit = HardLimit * 9 / 10,
                Labels = { ["site"] = "here", ["pci"] = i % 2 == 0 ? "true" : "false" },
            };
        }

        return options;
    }

    public RegionState Empty(OverlaysOptions options)
    {
        var ledger = new RegionState();
        ledger.Adopt(Policy);
        foreach (var name in options.Members.Keys)
        {
            ledger.Apply(new PlacementChange.OverlaySet(name, OverlayState.Active, "configured"));
        }

        ledger.Configure(options);
        return ledger;
    }

    /// <summary>Decides, with the explanation's trace, and arrives.</summary>
    public static string? Place(RegionState ledger, string identity, string claims)
    {
        var bag = ledger.ReadBag(claims, "{}", "{}");
        var decision = PlacementEngine.Decide(ledger, new Applicant(identity, bag), null);
        if (decision.Overlay is { } overlay)
        {
            ledger.Apply(new PlacementChange.NodeChanged(new PlacedNode(
                identity, overlay.Name, null, bag.Json, decision.Declared,
                    DecisionTrace.Encode(decision, ledger.Sequence))));
        }

        return decision.Overlay?.Name;
    }

    /// <summary>Nodes in the order of their arrival: members of many groups, mixed. The same for the same seed.</summary>
    public static (string Identity, string Claims)[] Arrivals(int count, int seed)
    {
        var random = new Random(seed);
        var nodes = new (string, string)[count];
        for (var (at, group) = (0, 0); at < count; group++)
        {
            // A few groups are large and most are small, as customers are.
            var size = Math.Min(count - at, 1 + (int)(GroupMax * Math.Pow(random.NextDouble(), 14)) + random.Next(20));
            size = Math.Min(size, GroupMax);
            var claims = string.Create(CultureInfo.InvariantCulture,
                $$"""{"customer":"c{{seed}}-{{group / 4}}","service":"s{{group % 4}}","site":"here","expected":{{size}}}""");
            for (var i = 0; i < size; i++, at++)
            {
                nodes[at] = (string.Create(CultureInfo.InvariantCulture, $"n{seed}-{group}-{i}.example.net"), claims);
            }
        }

        random.Shuffle(nodes);
        return nodes;
    }
}

using System.Globalization;
using System.Text;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>A generated policy: which rules of a closed menu it has, in which order, with which figures.</summary>
internal sealed record PolicySketch(
    int[] Pins, int[] Filters, int[] Groups, (int Score, int Weight)[] Scores, int Unplaceable, int Soft, bool Reserves)
{
    public const string Quarantine = "o0";

    private static readonly string[] PinMenu =
    [
        "match: 'node == \"n03\"', overlay: o1",
        "match: 'node.customer == \"c1\"', overlay: o0",
        "match: 'node.role == \"replica\" and node.site == \"cork\"', overlay: o2",
        "match: 'node.customer == \"c2\"', overlay: elsewhere",
    ];

    private static readonly string[] FilterMenu =
    [
        "require: 'overlay.site == node.site'",
        "when: 'node.customer in [\"c0\", \"c1\"]', require: 'overlay.labels.pci == \"true\"'",
        "when: 'node.role == \"replica\"', require: 'overlay.name != \"o0\"'",
        "when: 'node == \"n04\" or node == \"n05\"', require: 'overlay.name != \"o1\"'",
        "require: 'node.uses has \"gpu\" or overlay.labels.pci != \"true\"'",
    ];

    private static readonly string[] GroupMenu =
    [
        "key: [customer], declaredSizeFrom: expected",
        "key: [service], when: 'node.customer != \"c2\"'",
        "with: { service: s0 }, members: 'node.uses has \"s0\"', declaredSize: 3",
        "key: [customer], mode: preferred, weight: {0}",
        "with: { service: s1 }, members: 'node.uses has \"s0\"', mode: preferred, weight: {0}",
        "key: [service], mode: spread, maxSkew: 1",
        "key: [service], when: 'node.role == \"replica\"', mode: spread, maxSkew: 2, across: overlay.labels.site",
    ];

    private static readonly string[] ScoreMenu =
    [
        "fn: headroom",
        "fn: sticky",
        "prefer: 'overlay.labels.os == node.os'",
        "prefer: 'overlay.labels.pci == \"true\"'",
        "prefer: 'overlay.name in [\"o1\", \"o2\"]', when: 'node.role == \"replica\"'",
        "prefer: 'overlay.site == \"dub\"'",
    ];

    // Tenths, because their sums depend on the order of adding.
    private static readonly double[] Weights = [0.1, 0.2, 0.3, 0.6, 1, 5, 40, 100];

    public static Gen<PolicySketch> Gen { get; } = CsCheck.Gen.Select(
        Some(PinMenu.Length, 2), Some(FilterMenu.Length, 3), Some(GroupMenu.Length, 3),
        CsCheck.Gen.Select(CsCheck.Gen.Int[0, ScoreMenu.Length - 1], CsCheck.Gen.Int[0, Weights.Length - 1]).Array[0, 6],
        CsCheck.Gen.Int[0, 2], CsCheck.Gen.Int[0, 2], CsCheck.Gen.Bool)
        .Select((pins, filters, groups, scores, unplaceable, soft, reserves) =>
            new PolicySketch(pins, filters, groups, scores, unplaceable, soft, reserves));

    /// <summary>Whether nodes may be where no rule lets them.</summary>
    public bool HasQuarantine => Unplaceable == 2;

    public PlacementPolicy Read(PolicyDress? dress = null)
    {
        var text = Write(dress);
        var reading = PolicyReader.Read(text, null);
        Assert.True(reading.Policy is not null, $"{string.Join('\n', reading.Faults)}\n{text}");
        return reading.Policy!;
    }

    public string Write(PolicyDress? dress = null)
    {
        var wear = Dressed(dress ?? PolicyDress.None);
        var soft = ((string[])["1", "0.9", "0.5"])[Soft];
        string[] sections =
        [
            Section("attributes", wear.Attributes(
            [
                "customer: { from: jwt.customer }", "service: { from: jwt.service }", "site: { from: jwt.site }",
                "role: { from: jwt.role }", "expected: { from: jwt.expected, type: number }",
                "uses: { from: jwt.uses, type: list }", "os: { from: facts.os }",
            ])),
            $"  capacity: {{ softLimit: {soft}, hardLimit: 1, reserveForGroups: {(Reserves ? "declared" : "none")} }}\n",
            Section("pins", wear.Pins(Pins.Select(pin => PinMenu[pin]))),
            Section("filters", wear.Filters(Filters.Select(filter => Labelled($"f{filter}", FilterMenu[filter], wear)))),
            Section("groups", wear.Groups(Groups.Select(group => Labelled($"g{group}", Weighted(GroupMenu[group], 5, wear), wear)))),
            Section("scores", wear.Scores(Scores.Select((score, i) => Labelled($"s{i}",
                Weighted($"{ScoreMenu[score.Score]}, weight: {{0}}", Weights[score.Weight], wear), wear)))),
            ((string[])["", "  unplaceable: { action: refuse }\n", $"  unplaceable: {{ quarantineOverlay: {Quarantine} }}\n"])[Unplaceable],
        ];
        return wear.Remark("apiVersion: placement.controlplane/v1\nkind: PlacementPolicy\nmetadata: { name: test }\nspec:\n"
            + string.Concat(wear.Order(sections)));
    }

    // The default scores, which hold without others, cannot be scaled.
    private PolicyDress Dressed(PolicyDress dress) => Scores.Length == 0 ? dress with { Scale = 1 } : dress;

    private static Gen<int[]> Some(int count, int most) =>
        CsCheck.Gen.Int[0, count - 1].Array[0, most].Select(chosen => chosen.Distinct().ToArray());

    private static string Labelled(string name, string rule, PolicyDress wear) => $"name: {wear.Label(name)}, {rule}";

    private static string Weighted(string rule, double weight, PolicyDress wear) => rule.Replace(
        "{0}", (weight * wear.Scale).ToString("R", CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static string Section(string name, IEnumerable<string> rules)
    {
        var text = new StringBuilder();
        foreach (var rule in rules)
        {
            text.Append(name == "attributes" ? $"    {rule}\n" : $"    - {{ {rule} }}\n");
        }

        return text.Length == 0 ? "" : $"  {name}:\n{text}";
    }
}

/// <summary>The same policy, written in another way.</summary>
/// <param name="Seed">Of everything that is put in another order.</param>
/// <param name="Renames">Whether rules have other names.</param>
/// <param name="Scale">What all weights are multiplied with.</param>
/// <param name="Idles">Whether it has rules besides that match no node.</param>
/// <param name="Reorders">Whether rules whose order means nothing come in another one.</param>
internal sealed record PolicyDress(int Seed, bool Renames, double Scale, bool Idles, bool Reorders)
{
    public static PolicyDress None { get; } = new(0, false, 1, false, false);

    public static Gen<PolicyDress> Gen { get; } = CsCheck.Gen.Select(
        CsCheck.Gen.Int[1, 1_000_000], CsCheck.Gen.Bool, CsCheck.Gen.Int[1, 7], CsCheck.Gen.Bool)
        .Select((seed, renames, scale, idles) => new PolicyDress(seed, renames, scale, idles, false));

    public string Label(string name) => Renames ? $"{(char)('a' + (Order(name) % 26))}-{name}" : name;

    public IEnumerable<string> Attributes(IEnumerable<string> rules) => Order(rules);

    // The first that matches decides: their order means something.
    public IEnumerable<string> Pins(IEnumerable<string> rules) => Idles ? rules.Prepend("match: 'node == \"nobody\"', overlay: o0") : rules;

    public IEnumerable<string> Filters(IEnumerable<string> rules) => Rules(rules,
        "name: f9, when: 'node.customer == \"nobody\"', require: 'overlay.site == \"nowhere\"'");

    public IEnumerable<string> Groups(IEnumerable<string> rules) => Rules(rules, "name: g9, key: [site], when: 'node.service == \"none\"'");

    public IEnumerable<string> Scores(IEnumerable<string> rules)
    {
        // Without a score the default ones hold: one that never acts would take their place.
        var all = rules.ToArray();
        return all.Length == 0 ? all : Rules(all, "name: s9, weight: 7, prefer: 'overlay.name == node.customer'");
    }

    public IEnumerable<string> Order(IEnumerable<string> rules)
    {
        var all = rules.ToArray();
        if (Seed != 0)
        {
            new Random(Seed).Shuffle(all);
        }

        return all;
    }

    public string Remark(string text) => Seed == 0 ? text
        : text.Replace("\n", Seed % 2 == 0 ? "\n\n" : "   # a remark\n", StringComparison.Ordinal)
            .Replace(", ", Seed % 3 == 0 ? " ,  " : ", ", StringComparison.Ordinal);

    private int Order(string name) => Math.Abs(StableHash.Bucket($"{Seed}{name}", 1000));

    private IEnumerable<string> Rules(IEnumerable<string> rules, string idle)
    {
        var all = Idles ? rules.Append(idle) : rules;
        return Reorders ? Order(all) : all;
    }
}

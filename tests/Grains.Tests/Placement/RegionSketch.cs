using System.Globalization;
using ControlPlane.Placement;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>A generated region: its overlays, and what happened in it.</summary>
internal sealed record RegionSketch(OverlaySketch[] Overlays, NodeSketch[] Steps)
{
    public static Gen<RegionSketch> Gen { get; } = CsCheck.Gen.Select(
        CsCheck.Gen.Select(CsCheck.Gen.Int[1, 12], CsCheck.Gen.Bool, CsCheck.Gen.Bool, CsCheck.Gen.Bool)
            .Select((hard, site, pci, os) => new OverlaySketch(hard, site ? "dub" : "cork", pci ? "true" : "false", os ? "el9" : "el8"))
            .Array[1, 5],
        CsCheck.Gen.Select(CsCheck.Gen.Int[0, 19], CsCheck.Gen.Int[0, 11], CsCheck.Gen.Int[0, 999], CsCheck.Gen.Int[1, 4])
            .Select((node, action, kind, declared) => new NodeSketch($"n{node:00}", action, kind, declared))
            .Array[0, 40]).Select((overlays, steps) => new RegionSketch(overlays, steps));

    /// <summary>Of the same names and labels, with no node in it.</summary>
    public Region Empty(PlacementPolicy policy, int seed = 0)
    {
        var order = Enumerable.Range(0, Overlays.Length).ToArray();
        if (seed != 0)
        {
            new Random(seed).Shuffle(order);
        }

        var region = Region.Of([.. order.Select(i => ($"o{i}", Overlays[i].HardLimit))]);
        foreach (var i in order)
        {
            region.Labelled($"o{i}", "site", Overlays[i].Site).Labelled($"o{i}", "pci", Overlays[i].Pci)
                .Labelled($"o{i}", "os", Overlays[i].Os);
        }

        region.Adopt(policy);
        return region;
    }

    /// <summary>Nodes come, come back, change and go; overlays are cordoned and opened.</summary>
    /// <param name="policy">What decides.</param>
    /// <param name="onStep">Told before each arrival.</param>
    /// <param name="isCalm">Nodes only arrive, once.</param>
    public Region Live(PlacementPolicy policy, Action<Region, NodeSketch>? onStep = null, bool isCalm = false)
    {
        var region = Empty(policy);
        foreach (var step in Steps)
        {
            switch (step.Action)
            {
                case 0 when !isCalm:
                    region.Ledger.Apply(new PlacementChange.NodeForgotten(step.Identity));
                    break;
                case 1 when !isCalm:
                    region.SetState($"o{step.Kind % Overlays.Length}", step.Declared == 1 ? OverlayState.Cordoned : OverlayState.Active);
                    break;
                default:
                    // Most come back with what they had.
                    var known = region.Ledger.Node(step.Identity);
                    var asked = known is null || (step.Action == 2 && !isCalm) ? step : step with { Attributes = known.Attributes };
                    onStep?.Invoke(region, asked);
                    if (!isCalm || known is null)
                    {
                        region.Place(asked.Identity, asked.Attributes);
                    }

                    break;
            }
        }

        return region;
    }

    /// <summary>The same nodes in the same places, told in another order to a ledger that knew nothing.</summary>
    public Region Retell(Region told, PlacementPolicy policy, int seed)
    {
        var region = Empty(policy, seed);
        foreach (var overlay in told.Ledger.Overlays)
        {
            region.SetState(overlay.Name, overlay.State);
        }

        var nodes = told.Ledger.AllNodes().OrderBy(node => node.Identity, StringComparer.Ordinal).ToArray();
        new Random(seed).Shuffle(nodes);
        foreach (var node in nodes)
        {
            region.Ledger.Apply(new PlacementChange.NodeChanged(node));
        }

        return region;
    }
}

internal sealed record OverlaySketch(int HardLimit, string Site, string Pci, string Os);

internal sealed record NodeSketch(string Identity, int Action, int Kind, int Declared)
{
    public string Attributes { get; init; } = Write(Kind, Declared);

    /// <summary>Newcomers of all kinds.</summary>
    public static IEnumerable<NodeSketch> Newcomers { get; } =
        [.. Enumerable.Range(0, 24).Select(i => new NodeSketch($"new{i:00}", 3, i * 37, (i % 4) + 1))];

    private static string Write(int kind, int declared)
    {
        // As the reader writes them: names in order, absent ones left out.
        var parts = new List<string>();
        void Add(string name, int of, params string[] values)
        {
            if (values[of % values.Length] is { Length: > 0 } value)
            {
                parts.Add($"\"{name}\":{value}");
            }
        }

        Add("customer", kind, "\"c0\"", "\"c1\"", "\"c2\"", "\"c3\"", "");
        Add("expected", 0, declared.ToString(CultureInfo.InvariantCulture));
        Add("os", kind / 3, "\"el8\"", "\"el9\"");
        Add("role", kind / 7, "\"replica\"", "");
        Add("service", kind / 11, "\"s0\"", "\"s1\"", "\"s2\"", "");
        Add("site", kind / 5, "\"dub\"", "\"cork\"");
        Add("uses", kind / 13, "", "[\"s0\"]", "[\"gpu\"]");
        return $"{{{string.Join(',', parts)}}}";
    }
}

using ControlPlane.Placement;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>A region's ledger with the calls that tests make of it.</summary>
internal sealed class Region
{
    private readonly OverlaysOptions options = new() { Region = "test" };

    public RegionState Ledger { get; } = new();

    public static Region Of(params (string Name, int HardLimit)[] overlays)
    {
        var region = new Region();
        foreach (var (name, hard) in overlays)
        {
            region.options.Members[name] = new OverlayOptions { HardLimit = hard, SoftLimit = hard };
            region.SetState(name, OverlayState.Active);
        }

        region.Ledger.Configure(region.options);
        return region;
    }

    public Region Labelled(string overlay, string label, string value)
    {
        options.Members[overlay].Labels[label] = value;
        Ledger.Configure(options);
        return this;
    }

    public void SetState(string overlay, OverlayState state) =>
        Ledger.Apply(new PlacementChange.OverlaySet(overlay, state, "test"));

    public void Arrive(string identity, string overlay, string attributes = PlacedNode.NoAttributes, int declared = 0) =>
        Ledger.Apply(new PlacementChange.NodeChanged(
            (Ledger.Node(identity) ?? PlacedNode.New(identity)) with { Home = overlay, Held = null, Attributes = attributes,
                Declared = declared }));

    public void Adopt(PlacementPolicy policy)
    {
        Ledger.Adopt(policy);
        Ledger.Configure(options);
    }

    /// <summary>What another policy is tried on.</summary>
    public RegionState Shadow(PlacementPolicy policy) => Ledger.Shadow(options, policy);

    public Decision Decide(string identity, string attributes = PlacedNode.NoAttributes) =>
        PlacementEngine.Decide(Ledger, new Applicant(identity, Ledger.Bag(attributes)), Ledger.Node(identity));

    /// <summary>Decides and, when there is a place, arrives there.</summary>
    public string? Place(string identity, string attributes = PlacedNode.NoAttributes)
    {
        var decision = Decide(identity, attributes);
        if (decision.Overlay is { } overlay)
        {
            Arrive(identity, overlay.Name, attributes, decision.Declared);
        }

        return decision.Overlay?.Name;
    }
}

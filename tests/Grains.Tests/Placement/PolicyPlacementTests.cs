using System.Globalization;
using ControlPlane.Placement;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

public sealed class PolicyPlacementTests
{
    private const string Head = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: test }
        spec:
          attributes:
            customer: { from: jwt.customer }
            service: { from: jwt.service }
            site: { from: jwt.site }
            role: { from: jwt.role }
            expected: { from: jwt.expected, type: number }
            os: { from: facts.os }

        """;

    private const string Groups = Head + """
          groups:
            - { name: customer-service, key: [customer, service], declaredSizeFrom: expected }
        """;

    [Fact]
    public void Decide_KeepsAGroupTogether_AndReservesWhatItDeclares()
    {
        var region = With(Groups, ("a", 10), ("b", 10));

        var home = region.Place("n1", Member("acme", 8))!;
        Assert.Equal(7, region.Ledger.Overlay(home)!.Promised);

        // Someone else's group of five does not fit beside the eight that were promised.
        var other = region.Place("m1", Member("bank", 5));
        Assert.NotEqual(home, other);
        for (var i = 2; i <= 8; i++)
        {
            Assert.Equal(home, region.Place($"n{i}", Member("acme", 8)));
        }

        Assert.Equal(0, region.Ledger.Overlay(home)!.Promised);
    }

    [Fact]
    public void Decide_GivesNoPlace_RatherThanSplitAGroup()
    {
        var region = With(Groups, ("a", 2), ("b", 5));
        region.SetState("b", OverlayState.Cordoned);
        Assert.Equal("a", region.Place("n1", Member("acme", 2)));
        Assert.Equal("a", region.Place("n2", Member("acme", 2)));
        region.SetState("b", OverlayState.Active);

        var decision = region.Decide("n3", Member("acme", 2));

        Assert.Null(decision.Overlay);
        Assert.Equal("no overlay may take it: capacity.hardLimit rejects 1, customer-service rejects 1", decision.Reason());
    }

    [Fact]
    public void Apply_ReturnsThePromise_WhenTheOnlyMemberIsForgotten()
    {
        var region = With(Groups, ("a", 10));
        region.Place("n1", Member("acme", 8));

        region.Ledger.Apply(new PlacementChange.NodeForgotten("n1"));

        Assert.Equal((0, 0), (region.Ledger.Overlay("a")!.Committed, region.Ledger.Groups.Count));
    }

    [Fact]
    public void Decide_SpreadsReplicas_WithinTheSkew()
    {
        var region = With(Head + """
              groups:
                - { name: replicas, key: [service], when: 'node.role == "replica"', mode: spread, maxSkew: 1 }
            """, ("a", 100), ("b", 10), ("c", 10));

        for (var i = 0; i < 6; i++)
        {
            region.Place($"n{i}", """{"role":"replica","service":"db"}""");
        }

        Assert.All(region.Ledger.Overlays, overlay => Assert.Equal(2, overlay.Nodes));
    }

    [Fact]
    public void Decide_ObeysPinsThenFilters_AndNamesThem()
    {
        var region = With(Head + """
              pins:
                - { match: 'node == "db1"', overlay: b, reason: CHG-1 }
              filters:
                - { name: same-site, require: 'overlay.site == node.site' }
            """, ("a", 10), ("b", 10));
        region.Labelled("a", "site", "dub").Labelled("b", "site", "dub");

        Assert.Equal("b", region.Place("db1", """{"site":"dub"}"""));
        Assert.Equal("pinned: CHG-1", region.Decide("db1", """{"site":"dub"}""").Reason());
        Assert.Equal("no overlay may take it: same-site rejects 2", region.Decide("n1", """{"site":"cork"}""").Reason());
    }

    [Fact]
    public void Decide_SendsTheUnplaceableToQuarantine_WhenThePolicySaysSo()
    {
        var region = With(Head + """
              filters:
                - { name: same-site, require: 'overlay.site == node.site' }
              unplaceable: { quarantineOverlay: q }
            """, ("a", 10), ("q", 10));

        var decision = region.Decide("n1", """{"site":"cork"}""");

        Assert.Equal(("q", true), (decision.Overlay?.Name, decision.IsQuarantine));
    }

    [Fact]
    public void Decide_MovesNothing_WhenAPolicyIsAppliedAgain()
    {
        var region = With(Groups, ("a", 40), ("b", 40), ("c", 40));
        for (var i = 0; i < 60; i++)
        {
            region.Place($"n{i}", Member($"c{i % 7}", 10));
        }

        region.Adopt(Read(Groups + "\n# the same, with a remark\n"));

        Assert.All(region.Ledger.AllNodes(), node => Assert.Equal(node.Home, region.Decide(node.Identity, node.Attributes).Overlay?.Name));
    }

    /// <summary>The rules told once more, as plainly as can be: what a committed state must never break.</summary>
    [Fact]
    public void AnyHistory_BreaksNoRule_AndTheEngineFindsAPlaceWhereverThereIsOne() =>
        Gen.Select(
            Gen.Int[1, 5].Array[1, 4],
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, 11], Gen.Int[0, 3], Gen.Int[1, 4]).Array[0, 60])
        .Sample((capacities, steps) =>
        {
            var region = With(Groups, [.. capacities.Select((capacity, i) => ($"o{i}", capacity * 2))]);
            foreach (var (action, node, customer, declared) in steps)
            {
                Act(region, action, $"n{node}", customer, declared);
                AssertLawful(region);
            }
        }, iter: 100);

    private static void Act(Region region, int action, string identity, int customer, int declared)
    {
        var overlays = region.Ledger.Overlays;
        switch (action)
        {
            case 0 when region.Ledger.Node(identity) is not null:
                region.Ledger.Apply(new PlacementChange.NodeForgotten(identity));
                break;
            case 1:
                region.SetState(overlays[customer % overlays.Count].Name, (OverlayState)(declared % 2));
                break;
            default:
                var attributes = region.Ledger.Node(identity)?.Attributes ?? Member($"c{customer}", declared);
                var decision = region.Decide(identity, attributes);
                if (decision.Overlay is null)
                {
                    Assert.DoesNotContain(overlays, overlay => MayTake(region, identity, attributes, declared, overlay));
                    Assert.All(decision.Considered, considered =>
                        Assert.NotEqual("unknown", RuleCode.Name(region.Ledger.Policy, considered.By!.Value.Rule)));
                }
                else
                {
                    region.Place(identity, attributes);
                }

                break;
        }
    }

    // Brute force: an overlay may take a node if the state after it breaks nothing.
    private static bool MayTake(Region region, string identity, string attributes, int declared, OverlayEntry overlay)
    {
        if (region.Ledger.Node(identity)?.Home == overlay.Name)
        {
            return true;
        }

        if (overlay.State != OverlayState.Active)
        {
            return false;
        }

        var group = GroupOf(attributes);
        var members = region.Ledger.AllNodes().Where(node => GroupOf(node.Attributes) == group && node.Identity != identity).ToArray();
        var size = members.Length == 0 ? DeclaredOf(attributes)
            : 1 - Math.Min(1, Math.Max(0, members.Max(node => Math.Min(node.Declared, DeclaredOf(node.Attributes))) - members.Length));
        return Array.TrueForAll(members, node => node.Home == overlay.Name)
            && overlay.Committed + Math.Max(size, members.Length == 0 ? 1 : size) <= overlay.HardLimit
                && overlay.Load + 1 <= overlay.HardLimit;
    }

    private static void AssertLawful(Region region)
    {
        foreach (var overlay in region.Ledger.Overlays)
        {
            Assert.True(overlay.Committed <= overlay.HardLimit, $"{overlay.Name}: {overlay.Committed} of {overlay.HardLimit}");
            Assert.Equal(region.Ledger.AllNodes().Count(node => node.Home == overlay.Name), overlay.Nodes);
            Assert.Equal(0, overlay.Reserved);
        }

        Assert.All(region.Ledger.AllNodes().GroupBy(node => GroupOf(node.Attributes)), group =>
            Assert.Single(group.Select(node => node.Home).Distinct()));
    }

    private static string GroupOf(string attributes) => attributes.Split("\"customer\":\"")[1].Split('"')[0];

    private static int DeclaredOf(string attributes) =>
        int.Parse(attributes.Split("\"expected\":")[1].Split(',', '}')[0], CultureInfo.InvariantCulture);

    internal static string Member(string customer, int expected) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"customer":"{{customer}}","expected":{{expected}},"service":"shop"}""");

    internal static PlacementPolicy Read(string text)
    {
        var reading = PolicyReader.Read(text, null);
        Assert.Empty(reading.Faults);
        return reading.Policy!;
    }

    internal static Region With(string policy, params (string Name, int HardLimit)[] overlays)
    {
        var region = Region.Of(overlays);
        region.Adopt(Read(policy));
        return region;
    }

    internal static Region WithGroups(params (string Name, int HardLimit)[] overlays) => With(Groups, overlays);
}

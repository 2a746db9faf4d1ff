using System.Text.Json;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>What holds for every policy, fleet and history.</summary>
public sealed class PolicyPropertyTests
{
    private static readonly Gen<(PolicySketch Policy, RegionSketch Region, int Seed)> Any =
        Gen.Select(PolicySketch.Gen, RegionSketch.Gen, Gen.Int[1, 1_000_000]);

    [Fact]
    public void Decide_AnswersAndExplainsTheSame_WhateverTheOrderOfOverlaysAndNodes() =>
        Any.Sample(sample =>
        {
            var policy = sample.Policy.Read();
            var region = sample.Region.Live(policy);
            var again = sample.Region.Retell(region, policy, sample.Seed);
            foreach (var (identity, attributes) in Askers(region))
            {
                Assert.Equal(Explain(region, identity, attributes), Explain(again, identity, attributes));
            }
        });

    [Fact]
    public void Decide_AnswersTheSame_WhateverTheOrderOfRules() =>
        Any.Sample(sample =>
        {
            var region = sample.Region.Live(sample.Policy.Read());
            var again = sample.Region.Retell(
                region, sample.Policy.Read(PolicyDress.None with { Seed = sample.Seed, Reorders = true }), sample.Seed);
            foreach (var (identity, attributes) in Askers(region))
            {
                AssertAgree(region.Decide(identity, attributes), again.Decide(identity, attributes), scale: 1);
            }
        });

    [Fact]
    public void Decide_NamesForEveryOverlayARuleThatRejectsItAlone_OrItsScore() =>
        Any.Sample(sample =>
        {
            var policy = sample.Policy.Read();
            var region = sample.Region.Live(policy);
            foreach (var (identity, attributes) in Askers(region))
            {
                AssertAccounted(region, sample.Region, identity, attributes);
            }
        });

    [Fact]
    public void Decide_ExplainsEveryOverlay_WhenEachHasARuleOfItsOwn()
    {
        var overlays = Enumerable.Range(0, 40).Select(i => $"o{i:00}").ToArray();
        var filters = overlays.Select(overlay => $"    - {{ name: not-{overlay}, require: 'overlay.name != \"{overlay}\"' }}\n");
        var region = PolicyPlacementTests.With(
            $"apiVersion: placement.controlplane/v1\nkind: PlacementPolicy\nmetadata: {{ name: many }}\nspec:\n  filters:\n{string.Concat(filters)}",
            [.. overlays.Select(overlay => (overlay, 10))]);

        var explained = Explanation.Of(region.Ledger, region.Decide("n1"));

        Assert.Equal(overlays.Select(overlay => (overlay, $"not-{overlay}")), explained.Rejected.Select(by => (by.Overlay, by.By)));
    }

    [Fact]
    public void Decide_AnswersTheSame_WhenAPolicyIsWrittenInAnotherWay() =>
        Gen.Select(Any, PolicyDress.Gen).Sample((sample, dress) =>
        {
            var region = sample.Region.Live(sample.Policy.Read());
            var again = sample.Region.Retell(region, sample.Policy.Read(dress), dress.Seed);
            var scale = sample.Policy.Scores.Length == 0 ? 1 : dress.Scale;
            foreach (var (identity, attributes) in Askers(region))
            {
                AssertAgree(region.Decide(identity, attributes), again.Decide(identity, attributes), scale);
            }
        });

    [Fact]
    public void Try_FindsTheSame_WhenAPolicyIsWrittenInAnotherWay() =>
        Gen.Select(Any, PolicyDress.Gen).Sample((sample, dress) =>
        {
            var policy = sample.Policy.Read();
            var region = sample.Region.Live(policy);
            Redirect(region, sample.Seed);

            var before = RegionPolicies.Try(region.Shadow(policy));
            var after = RegionPolicies.Try(region.Shadow(sample.Policy.Read(dress with { Renames = false })));

            Assert.Equal(Written(before), Written(after));
        });

    [Fact]
    public void Try_FindsNothing_WhenTheFleetFollowsThePolicy() =>
        Gen.Select(Any, PolicyDress.Gen).Sample((sample, dress) =>
        {
            var region = sample.Region.Live(sample.Policy.Read(), isCalm: true);

            var tried = RegionPolicies.Try(region.Shadow(sample.Policy.Read(dress)));

            Assert.True(sample.Policy.HasQuarantine || tried is { Misplaced.Count: 0, Unplaceable: 0, SplitGroups: 0 }, Written(tried));
        });

    [Fact]
    public void Shadow_DecidesAsTheLedger_AlsoWhileAPlanMovesGroups() =>
        Any.Sample(sample =>
        {
            var policy = sample.Policy.Read();
            var region = sample.Region.Live(policy);
            Redirect(region, sample.Seed);
            var shadow = region.Shadow(policy);
            foreach (var (identity, attributes) in Askers(region))
            {
                var there = PlacementEngine.Decide(shadow, new Applicant(identity, shadow.Bag(attributes)), shadow.Node(identity));
                Assert.Equal(Explain(region, identity, attributes),
                    JsonSerializer.Serialize(Explanation.Of(shadow, there) with { Sequence = 0 }));
            }
        });

    [Fact]
    public void Make_MakesTheSamePlan_WhenAPolicyIsWrittenInAnotherWay() =>
        Gen.Select(Any, PolicyDress.Gen, Gen.Enum<PlanKind>()).Sample((sample, dress, kind) =>
        {
            var region = sample.Region.Live(sample.Policy.Read());
            if (kind is PlanKind.Drain or PlanKind.Retire)
            {
                region.SetState("o0", OverlayState.Draining);
            }

            var again = sample.Region.Retell(region, sample.Policy.Read(dress), dress.Seed);

            Assert.Equal(Plan(region, kind), Plan(again, kind));
        });

    [Fact]
    public void Make_MovesNothing_WhenTheFleetFollowsThePolicyAndIsLevel() =>
        Any.Sample(sample =>
        {
            var region = sample.Region.Live(sample.Policy.Read(), isCalm: true);
            if (sample.Policy.HasQuarantine)
            {
                return;
            }

            Assert.Empty(PlanMaker.Make(region.Ledger, PlanKind.Regroup, null)
                .Finish("p", new PlanRequest(PlanKind.Regroup, ""), "test", DateTimeOffset.UnixEpoch).Moves);
        });

    private static (string Identity, string Attributes)[] Askers(Region region) =>
    [
        .. region.Ledger.AllNodes().Select(node => (node.Identity, node.Attributes)),
        .. NodeSketch.Newcomers.Select(node => (node.Identity, node.Attributes)),
    ];

    private static string Explain(Region region, string identity, string attributes) => JsonSerializer.Serialize(
        Explanation.Of(region.Ledger, region.Decide(identity, attributes)) with { Sequence = 0 });

    // As a running plan does with a group that it moves.
    private static void Redirect(Region region, int seed)
    {
        var group = region.Ledger.Groups.Where(group => region.Ledger.Policy.Groups[group.Rule].Mode == GroupMode.Required)
            .OrderBy(group => group.Id, StringComparer.Ordinal).FirstOrDefault();
        if (group is not null)
        {
            region.Ledger.Apply(new PlacementChange.GroupHomed(group.Id, $"o{seed % region.Ledger.Overlays.Count}"));
        }
    }

    private static string Written(PolicyDryRun tried) => JsonSerializer.Serialize(
        tried with { Examples = [.. tried.Examples.OrderBy(example => example.Identity, StringComparer.Ordinal)] });

    private static string Plan(Region region, PlanKind kind)
    {
        var plan = PlanMaker.Make(region.Ledger, kind, region.Ledger.Overlay("o0"))
            .Finish("p", new PlanRequest(kind, "o0"), "test", DateTimeOffset.UnixEpoch);

        // The group's name is its rule's, which may be another.
        return JsonSerializer.Serialize(plan with { Sequence = 0, Moves = [.. plan.Moves.Select(move => move with { Group = "" })] });
    }

    private static void AssertAgree(Decision one, Decision other, double scale)
    {
        Assert.Equal((one.Overlay?.Name, one.IsQuarantine), (other.Overlay?.Name, other.IsQuarantine));
        Assert.Equal(one.Considered.Select(overlay => overlay.Overlay.Name), other.Considered.Select(overlay => overlay.Overlay.Name));
        for (var i = 0; i < one.Considered.Length; i++)
        {
            Assert.Equal(one.Considered[i].By is null, other.Considered[i].By is null);
            Assert.Equal(one.Considered[i].Total * scale, other.Considered[i].Total, 1e-4);
        }
    }

    private static void AssertAccounted(Region region, RegionSketch sketch, string identity, string attributes)
    {
        var policy = region.Ledger.Policy;
        var decision = region.Decide(identity, attributes);
        var explained = Explanation.Of(region.Ledger, decision);
        Assert.Equal(
            region.Ledger.Overlays.Select(overlay => overlay.Name),
            explained.Rejected.Select(by => by.Overlay).Concat(explained.Candidates.Select(candidate => candidate.Overlay))
                .Order(StringComparer.Ordinal));
        var applicant = new Applicant(identity, region.Ledger.Bag(attributes));
        foreach (var (name, by, _) in explained.Rejected)
        {
            var overlay = region.Ledger.Overlay(name)!;
            var (found, limit) = decision.Considered.Where(considered => considered.Overlay == overlay)
                .Select(considered => (considered.By!.Value.Found, considered.By!.Value.Limit)).Single();
            Assert.True(
                by switch
                {
                    "state" => overlay.State != OverlayState.Active && region.Ledger.Node(identity)?.Home != name,
                    "pin" => policy.Pins.First(pin => pin.Match(applicant, null)).Overlay != name,
                    "capacity.hardLimit" => found > limit && limit == overlay.HardLimit && found > overlay.Load,
                    "capacity.softLimit" => found > limit && limit == overlay.SoftLimit && found > overlay.Committed,
                    _ => RejectsAlone(region, sketch, by, identity, attributes, name),
                },
                $"{by} does not reject {name} for {identity} {attributes}");
        }
    }

    // The same region under a policy that has nothing but this rule.
    private static bool RejectsAlone(Region region, RegionSketch sketch, string rule, string identity, string attributes, string overlay)
    {
        var policy = region.Ledger.Policy;
        var alone = policy with
        {
            Pins = [],
            Filters = [.. policy.Filters.Where(filter => filter.Name == rule)],
            Groups = [.. policy.Groups.Where(group => group.Name == rule)],
        };
        Assert.Equal(1, alone.Filters.Count + alone.Groups.Count);
        var lonely = sketch.Retell(region, alone, 1);
        return lonely.Decide(identity, attributes).Considered
            .Any(considered => considered.Overlay.Name == overlay && considered.By is { } by && RuleCode.Name(alone, by.Rule) == rule);
    }
}

using ControlPlane.Placement;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>Which facts about nodes are news; in the end only when they were decided counts, not who tells them in which order.</summary>
public sealed class NodeFactsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(30);

    // Each stamp is one decision: the fact of a stamp is always the same, but a place may be known as held, or as lived in.
    private static readonly Gen<LocalNode> AnyFact = Gen.Select(Gen.Long[0, 1], Gen.Long[1, 6], Gen.Bool, (epoch, ticks, arrived) =>
        Fact(epoch, ticks, (epoch + ticks) % 3 == 0 ? LocalNodeState.Gone : arrived ? LocalNodeState.Lives : LocalNodeState.Held));

    [Fact]
    public void TheSameFacts_GiveTheSamePlace_InWhateverOrderTheyAreTold() =>
        Gen.Select(AnyFact.Array[1, 8], Gen.Int[0, int.MaxValue]).Sample((facts, seed) =>
        {
            var other = facts.ToArray();
            new Random(seed).Shuffle(other);
            var once = WhatIsKnown(Told(facts));
            return once == WhatIsKnown(Told(other)) && once == WhatIsKnown(Told([.. facts, .. other]));
        });

    [Fact]
    public void TheLatestFact_Holds() =>
        AnyFact.Array[1, 8].Sample(facts =>
        {
            var latest = facts.OrderBy(fact => fact.Decided.Epoch).ThenBy(fact => fact.Decided.Ticks).ThenBy(
                fact => fact.State == LocalNodeState.Lives).Last();
            var node = Told(facts).Node("n");
            return latest.State switch
            {
                LocalNodeState.Gone => node is null,
                LocalNodeState.Lives => node is { Held: null } && node.Home == latest.Overlay && node.Decided == latest.Decided,
                _ => node?.Held?.Overlay == latest.Overlay && node.Held.Decided == latest.Decided,
            };
        });

    [Fact]
    public void News_SaysNothing_OfAPlaceWhoseLeaseIsOver() =>
        Assert.Empty(NodeFacts.News(new RegionState(), Fact(0, 1, LocalNodeState.Held) with { Until = Now }, Now, Lease));

    [Fact]
    public void News_GoesByAttempts_AmongFactsFromBeforeStamps()
    {
        var ledger = Told([new LocalNode("n", 5, "{}", 0, "a")]);

        Assert.Empty(NodeFacts.News(ledger, new LocalNode("n", 4, "{}", 0, "b"), Now, Lease));
        Assert.Empty(NodeFacts.News(ledger, new LocalNode("n", 5, "{}", 0, "a"), Now, Lease));
        Assert.Single(NodeFacts.News(ledger, new LocalNode("n", 6, "{}", 0, "b"), Now, Lease));

        // Any stamp is later than none, and a node that left is not brought back by what has none.
        Tell(ledger, Fact(0, 1, LocalNodeState.Lives));
        Assert.Empty(NodeFacts.News(ledger, new LocalNode("n", 9, "{}", 0, "b"), Now, Lease));
        Tell(ledger, Fact(0, 3, LocalNodeState.Gone));
        Assert.Empty(NodeFacts.News(ledger, new LocalNode("n", 9, "{}", 0, "b"), Now, Lease));
    }

    [Fact]
    public void Stamp_IsLaterThanAllThatIsKnown_ThoughTheClockIsBehind()
    {
        var ledger = Told([Fact(0, Now.UtcTicks + 1000, LocalNodeState.Lives), Fact(0, Now.UtcTicks + 3000, LocalNodeState.Gone)]);

        var first = ledger.Stamp(Now);
        Assert.Equal(new DecisionStamp(0, Now.UtcTicks + 3001), first);
        Assert.True(ledger.Stamp(Now).IsAfter(first));
    }

    [Fact]
    public void Tidy_ForgetsWhoLeftTooLongAgo_AndTheEarliestOfTooMany()
    {
        var departed = new DepartedNodes();
        var changed = new HashSet<int>();
        departed.Set("old", new DecisionStamp(0, (Now - DepartedNodes.Kept).UtcTicks - 1));
        for (var i = 0; i <= DepartedNodes.Max; i++)
        {
            departed.Set($"n{i}", new DecisionStamp(0, Now.UtcTicks + i));
        }

        departed.Tidy(Now, shard => changed.Add(shard));

        Assert.Equal((default, default), (departed.At("old"), departed.At("n0")));
        Assert.Equal(DepartedNodes.Max, Enumerable.Range(0, RegionState.Shards).Sum(shard => departed.Of(shard).Count));
        Assert.Equal([.. new[] { RegionState.ShardOf("old"), RegionState.ShardOf("n0") }.Distinct().Order()], changed.Order());
    }

    private static LocalNode Fact(long epoch, long ticks, LocalNodeState state) => new(
        "n", (int)(10 - ticks), "{}", 0, $"o{ticks}", new DecisionStamp(epoch, ticks), state, Now + Lease, "k");

    private static RegionState Told(IEnumerable<LocalNode> facts)
    {
        var ledger = new RegionState();
        foreach (var fact in facts)
        {
            Tell(ledger, fact);
        }

        return ledger;
    }

    private static void Tell(RegionState ledger, LocalNode fact)
    {
        foreach (var news in NodeFacts.News(ledger, fact, Now, Lease))
        {
            ledger.Apply(news);
        }
    }

    // What counts places and groups: a held place that was overtaken by a later decision may or may not be remembered.
    private static (string? Home, string? Held, DecisionStamp Left) WhatIsKnown(RegionState ledger) =>
        (ledger.Node("n")?.Home, ledger.Node("n")?.Held?.Overlay, ledger.Departed.At("n"));
}

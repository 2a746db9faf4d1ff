using ControlPlane.Placement;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// The region's copy of a node that several overlays tell of: when it was decided counts, not who is heard in which order.
/// </summary>
public sealed class ToldNodesTests
{
    private const int Overlays = 3;

    // What an overlay says of the node over time; each decision is made once, so no two have the same stamp.
    private static readonly Gen<Saying[]> Sayings = Gen.Select(
        Gen.Int[0, Overlays - 1], Gen.Int[0, 5], Gen.Long[0, 1], (overlay, kind, epoch) => (overlay, kind, epoch)).Array[1, 10]
        .Select(said => said.Select((one, i) => new Saying($"o{one.overlay}", Claim($"o{one.overlay}", one.kind, one.epoch, i))).ToArray());

    [Fact]
    public void TheSameLists_GiveTheSameNode_InWhateverOrderOverlaysAreHeard() =>
        Gen.Select(Sayings, Gen.Int[0, int.MaxValue]).Sample((sayings, seed) =>
        {
            var once = Told(sayings);
            var other = Told(Interleaved(sayings, new Random(seed)));
            return (Home(once), once.GoneFrom("n")) == (Home(other), other.GoneFrom("n")) && Moved(once).SequenceEqual(Moved(other))
                && Home(Told([.. sayings, .. sayings.GroupBy(saying => saying.Overlay).Select(told => told.Last())])) == Home(once);
        });

    [Fact]
    public void TheLatestDecision_Holds_AndWhoDoesNotKnowOfItIsNamed() =>
        Sayings.Sample(sayings =>
        {
            var ledger = Told(sayings);
            var last = sayings.GroupBy(saying => saying.Overlay).Select(told => told.Last()).ToArray();
            var homes = last.Where(saying => saying.Told is { Home: not null })
                .OrderBy(saying => saying.Told!.Decided.Epoch).ThenBy(saying => saying.Told!.Decided.Ticks).ToArray();

            Assert.Equal(homes.LastOrDefault()?.Overlay, ledger.Node("n")?.Home);
            Assert.Equal(homes.SkipLast(1).Select(saying => saying.Overlay).Order(StringComparer.Ordinal), Moved(ledger));
            Assert.Equal(
                last.Where(saying => saying.Told is { IsGone: true }).Select(saying => saying.Overlay).Order(StringComparer.Ordinal)
                    .FirstOrDefault(),
                ledger.GoneFrom("n"));
            Assert.All(ledger.Overlays, overlay => Assert.Equal(overlay.Name == homes.LastOrDefault()?.Overlay ? 1 : 0, overlay.Nodes));
            Assert.InRange(ledger.Overlays.Sum(overlay => overlay.Reserved), 0, 1);
        });

    [Fact]
    public void AHold_OfBeforeTheNodeArrivedElsewhere_IsNone()
    {
        var ledger = Told([new("o0", Claim("o0", 2, 0, 1)), new("o1", Claim("o1", 1, 0, 2))]);

        Assert.Equal(("o1", "o1", 0), (ledger.Node("n")!.Home, ledger.Node("n")!.Place, ledger.Overlay("o0")!.Reserved));
    }

    [Fact]
    public void AHold_ThatALaterOneReplaced_DoesNotComeBack_WhenThatEnds()
    {
        var ledger = Told([new("o0", Claim("o0", 2, 0, 1)), new("o1", Claim("o1", 2, 0, 2)), new("o1", null)]);

        Assert.Null(ledger.Node("n")!.Place);
        Assert.Equal(0, ledger.Overlay("o0")!.Reserved);
    }

    [Fact]
    public void ANode_IsCountedByWhatIsKnownOfItWhereItIs()
    {
        var lives = Claim("o0", 1, 0, 1)! with { Attributes = """{"a":1}""" };
        var comes = Claim("o1", 2, 0, 2)! with { Attributes = """{"a":2}""" };

        Assert.Equal(comes.Attributes, Told([new("o1", comes), new("o0", lives)]).Node("n")!.Attributes);
        Assert.Equal(lives.Attributes, Told([new("o0", lives), new("o1", comes), new("o1", null)]).Node("n")!.Attributes);
    }

    [Fact]
    public void Take_SaysWhetherANodeArrived_WhenItsReservationEnds()
    {
        var held = Claim("o0", 2, 0, 1)!;
        var arrived = held with { Home = "o0", Decided = held.Held!.Decided, Held = null };

        Assert.False(Told([new("o0", held)]).Take("o0", "n", arrived));
        Assert.True(Told([new("o0", held)]).Take("o0", "n", null));
        Assert.True(Told([new("o0", held)]).Take("o0", "n", held with { Held = held.Held with { Lapsed = true } }));
        Assert.Null(Told([new("o0", held)]).Take("o0", "n", held));
    }

    [Fact]
    public void Stamp_IsLaterThanAllThatIsKnown_ThoughTheClockIsBehind()
    {
        var now = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
        var ledger = Told(
        [
            new("o0", PlacedNode.New("n") with { Home = "o0", Decided = new DecisionStamp(0, now.UtcTicks + 3000) }),
        ]);

        var first = ledger.Stamp(now);
        Assert.Equal(new DecisionStamp(0, now.UtcTicks + 3001), first);
        Assert.True(ledger.Stamp(now).IsAfter(first));
    }

    private static string? Home(RegionState ledger) => ledger.Node("n")?.Home;

    private static string[] Moved(RegionState ledger)
    {
        Assert.All(ledger.MovedAway, moved => Assert.Equal("n", moved.Identity));
        return [.. ledger.MovedAway.Select(moved => moved.Overlay).Order(StringComparer.Ordinal)];
    }

    private static RegionState Told(IEnumerable<Saying> sayings)
    {
        var ledger = new RegionState();
        for (var i = 0; i < Overlays; i++)
        {
            ledger.Mention($"o{i}");
        }

        foreach (var saying in sayings)
        {
            ledger.Take(saying.Overlay, "n", saying.Told);
        }

        return ledger;
    }

    // Each overlay says what it says in its own order.
    private static IEnumerable<Saying> Interleaved(Saying[] sayings, Random random)
    {
        var queues = sayings.GroupBy(saying => saying.Overlay).Select(told => new Queue<Saying>(told)).ToList();
        while (queues.Count > 0)
        {
            var next = queues[random.Next(queues.Count)];
            yield return next.Dequeue();
            if (next.Count == 0)
            {
                queues.Remove(next);
            }
        }
    }

    private static PlacedNode? Claim(string overlay, int kind, long epoch, int ticks)
    {
        var (node, stamp) = (PlacedNode.New("n"), new DecisionStamp(epoch, 2 * ticks));
        var held = new Reservation(overlay, DateTimeOffset.MaxValue, false, null) { Decided = new DecisionStamp(epoch, (2 * ticks) + 1) };
        return kind switch
        {
            0 => null,
            1 => node with { Home = overlay, Decided = stamp },
            2 => node with { Held = held },
            3 => node with { Home = overlay, Decided = stamp, Held = held },
            4 => node with { Held = held with { Lapsed = true } },
            _ => node with { IsGone = true, Decided = stamp },
        };
    }

    private sealed record Saying(string Overlay, PlacedNode? Told);
}

using ControlPlane.Enrolment;
using CsCheck;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class ArrivalLimitTests
{
    private const int PlacesMin = 16;
    private const int PlacesMax = 4096;

    [Fact]
    public void AfterArrival_GrowsByThree_WhileAllPlacesAreTaken_UpToTheMost()
    {
        Assert.Equal(19, new ArrivalLimit(PlacesMin).AfterArrival(isFull: true, PlacesMax).Places);
        Assert.Equal(PlacesMin, new ArrivalLimit(PlacesMin).AfterArrival(isFull: false, PlacesMax).Places);
        Assert.Equal(PlacesMax, new ArrivalLimit(PlacesMax).AfterArrival(isFull: true, PlacesMax).Places);
    }

    [Fact]
    public void AfterMiss_Halves_DownToOne_AndArrivalsTakeItBack_OneByOne()
    {
        var missed = Enumerable.Repeat(0, 100).Aggregate(new ArrivalLimit(PlacesMin), (limit, _) => limit.AfterMiss());
        Assert.Equal(1, missed.Places);

        int[] after = [2, 4, 8, 16, 19];
        foreach (var places in after)
        {
            missed = missed.AfterArrival(isFull: true, PlacesMax);
            Assert.Equal(places, missed.Places);
        }
    }

    [Fact]
    public void AfterIdling_BeginsAnew_AndForgetsNoMiss()
    {
        Assert.Equal(PlacesMin, new ArrivalLimit(1000).AfterIdling(PlacesMin).Places);
        Assert.Equal(PlacesMin / 2, new ArrivalLimit(1000).AfterMiss().AfterIdling(PlacesMin).Places);
    }

    [Fact]
    public void Places_StayWithinTheirBounds_AndRunOfMissesComesDownToOne() =>
        Gen.Bool.Array[0, 500].Sample(arrivals =>
        {
            var limit = new ArrivalLimit(PlacesMin);
            foreach (var hasArrived in arrivals)
            {
                var next = hasArrived ? limit.AfterArrival(isFull: true, PlacesMax) : limit.AfterMiss();
                Assert.InRange(next.Places, 1, PlacesMax);
                Assert.Equal(hasArrived, next.Places > limit.Places || (hasArrived && next.Places == PlacesMax));
                limit = next;
                if (!hasArrived && limit.Places == 1)
                {
                    Assert.Equal(limit, limit.AfterMiss());
                }
            }
        });

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(50)]
    public void AHerd_IsSlowedDown_ByItsFirstRoundsOnly(int oneMissingIn)
    {
        // At 200 a second it takes 106 seconds without any limit.
        var free = new Herd(new ArrivalLimit(PlacesMax)) { OneMissingIn = oneMissingIn }.Run();
        Assert.Equal(106, free.Seconds);

        var limited = new Herd(new ArrivalLimit(PlacesMin)) { OneMissingIn = oneMissingIn }.Run();

        Assert.InRange(limited.Seconds, free.Seconds, free.Seconds + 20);
    }

    [Fact]
    public void AnOverlay_ThatBreaks_LosesNoMoreNodes_ThanHadToBeOnTheirWay() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 100], Gen.Int[0, 100]).Sample((tenPerSecond, journeySeconds, breaksAt) =>
        {
            var perSecond = tenPerSecond * 10;
            var lost = new Herd(new ArrivalLimit(PlacesMin))
            {
                PerSecond = perSecond, Journey = journeySeconds * Herd.TicksPerSecond, BreaksAt = breaksAt * Herd.TicksPerSecond,
            }.Run().Lost;
            Assert.InRange(lost, 0, Math.Max(PlacesMin, (perSecond * journeySeconds) + Herd.ReadyMax));
        });

    /// <summary>20,000 nodes that begin at once, in virtual time.</summary>
    private sealed class Herd(ArrivalLimit limit)
    {
        public const int TicksPerSecond = 10;
        private const int Nodes = 20_000;

        /// <summary>Nodes of one silo that can have been placed, and wait to be let go: a third of what rosters call at once.</summary>
        public const int ReadyMax = 64 * 64 / 3;

        private const int MissedAfter = 140 * TicksPerSecond;

        /// <summary>What the silo could do without a limit.</summary>
        public int PerSecond { get; init; } = 200;

        /// <summary>From being let go to the arrival, in ticks.</summary>
        public int Journey { get; init; } = 6 * TicksPerSecond;

        public int OneMissingIn { get; init; }

        public int BreaksAt { get; init; } = int.MaxValue;

        /// <summary>Until the last one that arrives, or the brake.</summary>
        public (int Seconds, int Lost) Run()
        {
            var (underWay, missing) = (new Queue<(int Ends, bool Arrives)>(), new Queue<int>());
            var (ready, gone, arrived, net, last) = (0, 0, 0, 0, 0);
            for (var tick = 0; net < 8 && (gone < Nodes || underWay.Count + missing.Count > 0); tick++)
            {
                ready = Math.Min(Math.Min(ready + (PerSecond / TicksPerSecond), ReadyMax), Nodes - gone);
                LetGo(tick);
                while (missing.TryPeek(out var end) && end <= tick)
                {
                    missing.Dequeue();
                    net++;
                    limit = limit.AfterMiss();
                    LetGo(tick);
                }

                while (underWay.TryPeek(out var next) && next.Ends <= tick)
                {
                    underWay.Dequeue();
                    if (tick >= BreaksAt || !next.Arrives)
                    {
                        missing.Enqueue(tick - Journey + MissedAfter);
                        continue;
                    }

                    limit = limit.AfterArrival(underWay.Count + missing.Count + 1 >= limit.Places, PlacesMax);
                    (arrived, net, last) = (arrived + 1, Math.Max(0, net - 1), tick);
                    LetGo(tick);
                }
            }

            return ((last + TicksPerSecond - 1) / TicksPerSecond, gone - arrived);

            void LetGo(int tick)
            {
                for (; ready > 0 && underWay.Count + missing.Count < limit.Places; ready--)
                {
                    gone++;
                    underWay.Enqueue((tick + Journey, OneMissingIn == 0 || gone % OneMissingIn != 0));
                }
            }
        }
    }
}

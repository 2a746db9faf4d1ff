using ControlPlane.Enrolment;
using ControlPlane.Flow;
using CsCheck;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class BrakeTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void Count_IsOfWhatEndedWithinTheWindow() =>
        Gen.Select(Gen.Int[0, 20], Gen.Int[0, 5_000]).Array[0, 100].Sample(falls =>
        {
            var window = TimeSpan.FromSeconds(60);
            var (fallen, now) = (new Brake(() => new BrakeRule(0.5) { Window = window }), Start);
            var all = new List<(DateTimeOffset At, int Count)>();
            foreach (var (count, milliseconds) in falls)
            {
                now += TimeSpan.FromMilliseconds(milliseconds);
                fallen.Add(now, count);
                all.Add((now, count));
            }

            // It counts by steps of the window: within a second at either edge.
            var within = fallen.Count(now).Failed;
            Assert.InRange(
                within,
                all.Where(fall => now - fall.At <= window - TimeSpan.FromSeconds(1)).Sum(fall => fall.Count),
                all.Where(fall => now - fall.At <= window + TimeSpan.FromSeconds(1)).Sum(fall => fall.Count));

            fallen.Release();
            Assert.Equal((0, 0), fallen.Count(now));
        });

    [Fact]
    public void Count_IsOfTheLast_WhereOnlyThoseCount() =>
        Gen.Bool.Array[0, 200].Sample(moves =>
        {
            var brake = new Brake(() => new BrakeRule(0.2) { LastMax = 50 });
            Array.ForEach(moves, failed => brake.Add(Start, failed ? 1 : 0, failed ? 0 : 1));

            var last = moves.TakeLast(50).ToArray();
            Assert.Equal((last.Count(failed => failed), last.Length), brake.Count(Start.AddYears(1)));
        });

    [Fact]
    public void Count_IsOfAll_WithoutAWindow()
    {
        var brake = new Brake(() => new BrakeRule(0.03));
        for (var day = 0; day < 1000; day++)
        {
            brake.Add(Start.AddDays(day), failed: 1, passed: 99);
        }

        Assert.Equal((1000, 100_000), brake.Count(Start.AddDays(2000)));
    }

    [Fact]
    public void Add_CountsANameOnce_HoweverOftenItFails()
    {
        var missing = Missing();
        for (var time = 0; time < 10; time++)
        {
            missing.Add(Start, ["broken"], 0);
        }

        Assert.Equal(1, missing.Count(Start).Failed);
        Assert.Equal(["broken"], missing.Names);
    }

    [Fact]
    public void Add_IsABucketThatLeaks_WherePassesTakeFailuresBack() =>
        Gen.Select(Gen.Int[0, 20], Gen.Int[0, 20]).Array[0, 300].Sample(reports =>
        {
            var (nodes, level, named) = (Missing(), 0, 0);
            foreach (var (missed, arrived) in reports)
            {
                nodes.Add(Start, Enumerable.Range(named, missed).Select(number => $"node{number}"), arrived);
                named += missed;
                level = Math.Min(Math.Max(level + missed - arrived, 0), AdmissionOptions.BrakeMissingMost);
                Assert.Equal(level, nodes.Count(Start).Failed);
            }
        });

    [Theory]
    [InlineData(0.5, 5, 10, false)]
    [InlineData(0.5, 6, 10, true)]
    [InlineData(0.5, 4, 4, false)]
    [InlineData(0.5, 2, 3, false)]
    [InlineData(1, 10, 10, false)]
    [InlineData(0, 0, 10, false)]
    public void Stops_WhenMoreThanTheShareFailed_OfASampleThatSaysSomething(double share, int failed, int of, bool stops) =>
        Assert.Equal(stops, new BrakeRule(share) { SampleMin = 5, FailedMin = 3 }.Stops(failed, of));

    private static Brake Missing() => new(() => EnrolmentBrakes.Missing(new AdmissionOptions()));
}

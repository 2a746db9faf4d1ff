using ControlPlane.Enrolment;
using CsCheck;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class MassFailureTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly AdmissionOptions Options = new();

    [Theory]
    [InlineData(55, 100, false)]
    [InlineData(56, 100, true)]
    [InlineData(49, 60, false)]
    [InlineData(50, 60, true)]
    [InlineData(11_001, 20_000, true)]
    [InlineData(11_000, 20_000, false)]
    public void Judge_Stops_WhenMoreThanTheShareFell_AndNotForAHandful(int fallen, int nodes, bool stops) =>
        Assert.Equal(stops, MassFailure.Judge(fallen, nodes, Options) is not null);

    [Fact]
    public void Judge_SaysHowManyOfHowMany() =>
        Assert.Equal("60 of its 100 nodes fell back to provisioning within 00:05:00", MassFailure.Judge(60, 100, Options));

    [Fact]
    public void Judge_NeverStops_WhenNobodyKnowsHowManyThereAre_OrWhenItIsTurnedOff()
    {
        Assert.Null(MassFailure.Judge(10_000, null, Options));
        Assert.Null(MassFailure.Judge(10_000, 100, new AdmissionOptions { BrakeShare = 1 }));
    }

    [Fact]
    public void FallenNodes_CountsWhatFellWithinTheWindow() =>
        Gen.Select(Gen.Int[0, 20], Gen.Int[0, 5_000]).Array[0, 100].Sample(falls =>
        {
            var (fallen, now) = (new FallenNodes(), Start);
            var all = new List<(DateTimeOffset At, int Count)>();
            foreach (var (count, milliseconds) in falls)
            {
                now += TimeSpan.FromMilliseconds(milliseconds);
                fallen.Add(count, now);
                all.Add((now, count));
            }

            // It counts by the second: within one of them at either edge.
            var window = TimeSpan.FromSeconds(60);
            var within = fallen.Within(window, now);
            Assert.InRange(
                within,
                all.Where(fall => now - fall.At <= window - TimeSpan.FromSeconds(1)).Sum(fall => fall.Count),
                all.Where(fall => now - fall.At <= window + TimeSpan.FromSeconds(1)).Sum(fall => fall.Count));

            fallen.Forget();
            Assert.Equal(0, fallen.Within(window, now));
        });

    [Fact]
    public void Draw_GivesConsecutiveTurns_NeverMoreThanTheLimit_WhoeverAsks() =>
        Gen.Select(Gen.Int[1, 6_000], Gen.Select(Gen.Int[1, 50], Gen.Int[0, 2_000]).Array[1, 50]).Sample((perMinute, draws) =>
        {
            var (limit, control, state, now) = (
                new EnrolmentLimit(perMinute, "", "", Start), new EnrolmentControl("eu-1", 7), new EnrolmentControlState(), Start);
            var given = new List<DateTimeOffset>();
            foreach (var (wanted, milliseconds) in draws)
            {
                now += TimeSpan.FromMilliseconds(milliseconds);
                (state, var turns) = state.Draw(control, limit, wanted, now);
                Assert.True(turns.First >= now);
                Assert.Equal(7, turns.Version);
                given.AddRange(Enumerable.Range(0, wanted).Select(turn => turns.First + (turn * turns.Interval)));
            }

            Assert.All(given.Zip(given.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromMinutes(1) / perMinute));
        });

    [Fact]
    public void After_TakesAllTurnsBack()
    {
        var state = EnrolmentControlState.After(new EnrolmentControl("eu-1", 7));

        Assert.Equal((8L, default), (state.Control!.Version, state.TurnsUntil));
    }
}

using ControlPlane.Enrolment;
using ControlPlane.Flow;
using CsCheck;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class EnrolmentBrakesTests
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
    public void JudgeFallen_Stops_WhenMoreThanTheShareFell_AndNotForAHandful(int fallen, int nodes, bool stops) =>
        Assert.Equal(stops, EnrolmentBrakes.JudgeFallen(fallen, nodes, Options) is not null);

    [Fact]
    public void JudgeFallen_SaysHowManyOfHowMany() =>
        Assert.Equal("60 of its 100 nodes fell back to provisioning within 00:05:00", EnrolmentBrakes.JudgeFallen(60, 100, Options));

    [Fact]
    public void JudgeFallen_NeverStops_WhenNobodyKnowsHowManyThereAre_OrWhenItIsTurnedOff()
    {
        Assert.Null(EnrolmentBrakes.JudgeFallen(10_000, null, Options));
        Assert.Null(EnrolmentBrakes.JudgeFallen(10_000, 100, new AdmissionOptions { BrakeShare = 1 }));
    }

    [Fact]
    public void JudgeMissing_Stops_WhenEnoughMoreAreMissingThanHaveArrivedSince_AndNamesTheLast()
    {
        var few = new AdmissionOptions { BrakeMissingMin = 3 };
        var missing = new Brake(() => EnrolmentBrakes.Missing(few));
        missing.Add(Start, ["a", "b"], 0);
        missing.Add(Start, ["c"], 1);
        Assert.Null(EnrolmentBrakes.JudgeMissing(missing, few, Start));

        missing.Add(Start, ["d", "e"], 0);
        Assert.StartsWith(
            "4 nodes were configured for it and restarted, and neither arrived nor came back to provisioning, the last of them c, d, e;",
            EnrolmentBrakes.JudgeMissing(missing, few, Start.AddDays(1)),
            StringComparison.Ordinal);

        missing.Release();
        Assert.Null(EnrolmentBrakes.JudgeMissing(missing, few, Start));
    }

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

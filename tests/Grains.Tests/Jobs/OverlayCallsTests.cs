using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>When a job calls its overlays.</summary>
public sealed class OverlayCallsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private readonly OverlayCalls calls = new();

    [Fact]
    public void AnOverlay_IsToldOfNews_OneCallAtATime()
    {
        var running = Job(new Allotment { Number = 2 });
        Assert.Single(calls.Due(running, Now));
        calls.Begin(running, running.Overlays[0], Now);
        Assert.Empty(calls.Due(running, Now));

        var more = Job(new Allotment { Number = 3, Concurrency = 7 });
        Assert.Empty(calls.Due(more, Now));
        calls.End(running.Overlays[0]);
        Assert.Single(calls.Due(more, Now));
    }

    /// <summary>It says so as soon as it has done it; until then, to be told once more changes nothing.</summary>
    [Fact]
    public void TheSame_IsToldAgain_AfterASecond_AndWhatIsNew_AtOnce()
    {
        var running = Job(new Allotment { Number = 2 });
        calls.Begin(running, running.Overlays[0], Now);
        calls.End(running.Overlays[0]);
        Assert.Empty(calls.Due(running, Now.AddMilliseconds(999)));
        Assert.Single(calls.Due(running, Now.AddSeconds(1)));
        Assert.Single(calls.Due(Job(new Allotment { Number = 3 }), Now));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void ThatNothingMoreIsToBeBegun_DoesNotWait_ForACallThatIsSlow(bool isHeld, bool isEnded)
    {
        var running = Job(new Allotment { Number = 2 });
        calls.Begin(running, running.Overlays[0], Now);
        var stopped = Job(new Allotment { Number = 3, IsHeld = isHeld, IsEnded = isEnded });
        Assert.Single(calls.Due(stopped, Now));

        // And is told once at a time, whichever call ends first.
        calls.Begin(stopped, stopped.Overlays[0], Now);
        calls.End(running.Overlays[0]);
        Assert.Empty(calls.Due(stopped, Now));
        calls.End(stopped.Overlays[0]);
        Assert.Single(calls.Due(stopped, Now.AddSeconds(1)));
    }

    [Fact]
    public void AnOverlayThatSaysNothing_IsAsked_AndOneThatIsDone_IsNot()
    {
        var quiet = Job(new Allotment { Number = 1 });
        calls.Begin(quiet, quiet.Overlays[0], Now);
        calls.End(quiet.Overlays[0]);
        Assert.Empty(calls.Due(quiet, Now.AddSeconds(9)));
        Assert.Single(calls.Due(quiet, Now.AddSeconds(10)));
        var done = quiet with
        {
            Overlays = [quiet.Overlays[0] with { Report = quiet.Overlays[0].Report! with { IsAtRest = true } }],
        };
        Assert.Empty(calls.Due(done, Now.AddSeconds(10)));
    }

    [Fact]
    public void APart_ThatWasFoundAfterItsJobHadEnded_IsToldSo()
    {
        var ended = Job(new Allotment { Number = 1, IsEnded = true }) with { State = JobState.Aborted };
        var unheard = ended with { Overlays = [ended.Overlays[0] with { Report = null, IsLeftOut = true }] };
        Assert.True(unheard.IsSettled);
        Assert.Empty(calls.Due(unheard, Now));

        var found = ended with
        {
            Overlays = [ended.Overlays[0] with { IsLeftOut = true, Report = new OverlayReport { IsPrepared = true } }],
        };
        Assert.False(found.IsSettled);
        Assert.Single(calls.Due(found, Now));
    }

    private static JobRecord Job(Allotment allotment) => new()
    {
        Spec = JobWorld.Spec(),
        State = JobState.Running,
        StartedAt = Now,
        Overlays =
        [
            new OverlayShare("a") { Allotment = allotment, Report = new OverlayReport { IsPrepared = true, Allotment = 1, Version = 1 } },
        ],
    };
}

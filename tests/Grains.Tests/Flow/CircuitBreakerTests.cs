using ControlPlane.Flow;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class CircuitBreakerTests
{
    private const int BreakAfter = 5;
    private static readonly TimeSpan BreakFor = TimeSpan.FromSeconds(5);
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private readonly CircuitBreaker breaker = new(BreakAfter, BreakFor, BreakFor * 3);

    [Fact]
    public void ClosedAgainAt_LeavesAlone_WhoFailedSeveralTimesInARow_AndThenLetsOneCallThrough()
    {
        Open();
        Assert.Equal(Now + BreakFor, breaker.ClosedAgainAt(Now));

        var later = Now + BreakFor;
        Assert.Null(breaker.ClosedAgainAt(later));
        breaker.OnSent(later);
        Assert.NotNull(breaker.ClosedAgainAt(later));

        breaker.OnEnded(later, CallResult.Answered);
        Assert.Null(breaker.ClosedAgainAt(later));
        Assert.Null(breaker.Fault);
    }

    [Fact]
    public void OnEnded_BreaksForLongerAfterEachProbe_UpToAMost()
    {
        Open();
        var at = Now + BreakFor;
        foreach (var times in new[] { 2, 3, 3 })
        {
            breaker.OnSent(at);
            breaker.OnEnded(at, CallResult.Failed);
            Assert.Equal(at + (times * BreakFor), breaker.ClosedAgainAt(at));
            at += times * BreakFor;
        }
    }

    /// <summary>Calls that were under way when it opened fail too, and the next call has to wait no longer for that.</summary>
    [Fact]
    public void OnEnded_DoesNotPushTheEndOn_WhenItIsOpenAlready()
    {
        Open();

        breaker.OnEnded(Now + (BreakFor / 2), CallResult.Failed);

        Assert.Equal(Now + BreakFor, breaker.ClosedAgainAt(Now + (BreakFor / 2)));
    }

    [Fact]
    public void OnEnded_LeavesTheProbeToTheNextCall_WhenItWasUnused()
    {
        Open();
        var later = Now + BreakFor;
        breaker.OnSent(later);

        breaker.OnEnded(later, CallResult.Unused);

        Assert.Null(breaker.ClosedAgainAt(later));
        Assert.NotNull(breaker.Fault);
    }

    [Fact]
    public void OnEnded_OpensAtOnce_WhenTheFailureIsHarmful()
    {
        breaker.OnEnded(Now, CallResult.Harmful);

        Assert.NotNull(breaker.ClosedAgainAt(Now));
    }

    [Fact]
    public void OnEnded_CountsFailuresInARow_HoweverFarApart()
    {
        for (var i = 0; i < BreakAfter - 1; i++)
        {
            breaker.OnEnded(Now.AddHours(i), CallResult.Failed);
        }

        Assert.Null(breaker.ClosedAgainAt(Now.AddHours(BreakAfter)));
        breaker.OnEnded(Now.AddHours(BreakAfter), CallResult.Answered);
        Open();
    }

    [Fact]
    public void Obstacle_SaysWhatFailed_AndForHowLongItIsLeftAlone()
    {
        Assert.Null(breaker.Obstacle("the CA", Now, underWay: 0));
        breaker.OnEnded(Now, CallResult.Harmful, detail: "it signed for nobody");

        Assert.Equal(
            ("the CA fails and is left alone; last: it signed for nobody", BreakFor - TimeSpan.FromSeconds(1)),
            breaker.Obstacle("the CA", Now.AddSeconds(1), underWay: 0));
    }

    [Fact]
    public void Obstacle_LeavesAloneWhoAsksForIt_AsLongAsItWantsTo()
    {
        breaker.OnEnded(Now, CallResult.Throttled, TimeSpan.FromSeconds(9));
        breaker.OnEnded(Now, CallResult.Throttled, TimeSpan.FromSeconds(3));

        Assert.Equal(("the CA asked to slow down", TimeSpan.FromSeconds(4)), breaker.Obstacle("the CA", Now.AddSeconds(5), underWay: 1));
        Assert.Null(breaker.Obstacle("the CA", Now.AddSeconds(9), underWay: 1));
    }

    [Fact]
    public void Obstacle_LeavesAloneWhoIsSilent_UntilItAnswers_OrHasNothingToAnswer()
    {
        var silence = TimeSpan.FromSeconds(4);
        var watched = new CircuitBreaker(BreakAfter, BreakFor, BreakFor, silence);
        watched.OnSent(Now);
        watched.OnSent(Now.AddSeconds(2), underWay: 1);
        watched.OnEnded(Now.AddSeconds(3), CallResult.Unused);

        Assert.Null(watched.Obstacle("the CA", Now.AddSeconds(3.9), underWay: 1));
        Assert.Equal(("the CA has not answered for 4 seconds", silence), watched.Obstacle("the CA", Now.AddSeconds(4), underWay: 1));
        Assert.Null(watched.Obstacle("the CA", Now.AddSeconds(4), underWay: 0));
        Assert.Null(breaker.Obstacle("the CA", Now.AddYears(1), underWay: 1));

        watched.OnEnded(Now.AddSeconds(5), CallResult.Answered);
        Assert.Null(watched.Obstacle("the CA", Now.AddSeconds(8.9), underWay: 1));
    }

    private void Open()
    {
        for (var i = 0; i < BreakAfter; i++)
        {
            Assert.Null(breaker.ClosedAgainAt(Now));
            breaker.OnSent(Now);
            breaker.OnEnded(Now, CallResult.Failed);
        }
    }
}

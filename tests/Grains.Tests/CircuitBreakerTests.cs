namespace ControlPlane.Grains.Tests;

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

        breaker.OnAnswered();
        Assert.Null(breaker.ClosedAgainAt(later));
        Assert.False(breaker.IsBroken);
    }

    [Fact]
    public void OnFailed_BreaksForLongerAfterEachProbe_UpToAMost()
    {
        Open();
        var at = Now + BreakFor;
        foreach (var times in new[] { 2, 3, 3 })
        {
            breaker.OnSent(at);
            breaker.OnFailed(at);
            Assert.Equal(at + (times * BreakFor), breaker.ClosedAgainAt(at));
            at += times * BreakFor;
        }
    }

    /// <summary>Calls that were under way when it opened fail too, and the next call has to wait no longer for that.</summary>
    [Fact]
    public void OnFailed_DoesNotPushTheEndOn_WhenItIsOpenAlready()
    {
        Open();

        breaker.OnFailed(Now + (BreakFor / 2));

        Assert.Equal(Now + BreakFor, breaker.ClosedAgainAt(Now + (BreakFor / 2)));
    }

    [Fact]
    public void OnUnused_LeavesTheProbeToTheNextCall()
    {
        Open();
        var later = Now + BreakFor;
        breaker.OnSent(later);

        breaker.OnUnused();

        Assert.Null(breaker.ClosedAgainAt(later));
        Assert.True(breaker.IsBroken);
    }

    [Fact]
    public void OnFailed_OpensAtOnce_WhenTheFailureIsHarmful()
    {
        breaker.OnFailed(Now, isHarmful: true);

        Assert.NotNull(breaker.ClosedAgainAt(Now));
    }

    [Fact]
    public void OnFailed_CountsFailuresInARow_HoweverFarApart()
    {
        for (var i = 0; i < BreakAfter - 1; i++)
        {
            breaker.OnFailed(Now.AddHours(i));
        }

        Assert.Null(breaker.ClosedAgainAt(Now.AddHours(BreakAfter)));
        breaker.OnAnswered();
        Open();
    }

    private void Open()
    {
        for (var i = 0; i < BreakAfter; i++)
        {
            Assert.Null(breaker.ClosedAgainAt(Now));
            breaker.OnSent(Now);
            breaker.OnFailed(Now);
        }
    }
}

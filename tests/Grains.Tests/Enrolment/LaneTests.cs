using ControlPlane.Enrolment;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class LaneTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly Lane lane = new(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EnterAsync_LetsTheLongestWaitingInFirst()
    {
        var first = await Enter(0);
        var young = Enter(2);
        var old = Enter(1);
        Assert.Equal(new LaneLoad(1, 1, 2, 1), lane.Load);

        first.Dispose();
        var second = await old;
        Assert.False(young.IsCompleted);

        second.Dispose();
        (await young).Dispose();
        Assert.Equal(new LaneLoad(1, 0, 0, 0), lane.Load);
    }

    [Fact]
    public async Task EnterAsync_LosesNoPlace_WhenOneWhoWaitsGivesUp()
    {
        var first = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = lane.EnterAsync("a", Start, impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        first.Dispose();
        Assert.NotNull(await Enter(0));
    }

    [Fact]
    public async Task Dispose_FreesAPlaceOnce_ThoughCalledTwice()
    {
        var first = await Enter(0);
        first.Dispose();
        first.Dispose();

        using var second = await Enter(0);
        Assert.False(Enter(0).IsCompleted);
    }

    [Fact]
    public async Task LimitTo_LetsMoreIn_AndFewerOnceEnoughHaveLeft()
    {
        var first = await Enter(0);
        var second = Enter(1);
        var third = Enter(2);

        lane.LimitTo(2);
        using var place = await second;
        Assert.False(third.IsCompleted);

        lane.LimitTo(1);
        first.Dispose();
        Assert.False(third.IsCompleted);

        place.Dispose();
        Assert.NotNull(await third);
    }

    [Fact]
    public async Task DropGone_ForgetsThoseWhoGaveUp_AndNobodyElse()
    {
        using var running = await Enter(0);
        using var impatience = new CancellationTokenSource();
        var leaving = lane.EnterAsync("a", Start, impatience.Token);
        var newcomer = Enter(0);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        lane.DropGone();

        Assert.False(newcomer.IsCompleted);
        Assert.Equal(new LaneLoad(1, 1, 1, 1), lane.Load);
    }

    private Task<IDisposable> Enter(int minutes) => lane.EnterAsync("a", Start.AddMinutes(minutes), Token);
}

using ControlPlane.Enrolment;
using ControlPlane.Flow;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class ArrivalWindowTests : IDisposable
{
    private const int PlacesMin = 16;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Always = TimeSpan.MaxValue;

    private readonly FakeTimeProvider time = new(DateTimeOffset.UnixEpoch);
    private readonly ArrivalWindow window;

    public ArrivalWindowTests() => window = new ArrivalWindow(PlacesMin, 4096, Deadline, time);

    public void Dispose() => window.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EnterAsync_LetsFewGo_UntilTheyHaveArrived()
    {
        await Go(0, PlacesMin);
        var next = Enumerable.Range(PlacesMin, 4).Select(Enter).ToList();
        Assert.DoesNotContain(next, node => node.IsCompleted);

        // One place became free, and three were won.
        Assert.True(window.Arrived(Name(0)));
        await Task.WhenAll(next);
        Assert.False(Enter(PlacesMin + 4).IsCompleted);
        Assert.False(window.Arrived(Name(0)));
    }

    [Fact]
    public async Task EnterAsync_LetsNobodyElseGo_WhenNobodyArrives()
    {
        await Go(0, PlacesMin);
        _ = Enumerable.Range(PlacesMin, 200).Select(Enter).ToList();

        time.Advance(Deadline);
        var missed = Enumerable.Range(0, PlacesMin).Count(node => window.Missed(Name(node), Always));

        Assert.Equal(PlacesMin, missed);
        Assert.Equal(new GateLoad(1, 1, 199, 1), window.Load);
    }

    [Fact]
    public async Task Missed_CountsOnce_AndOnlyWhereTheNodeHadItsTime_AndWouldHaveBeenHeard()
    {
        await Go(0, 1);
        time.Advance(Deadline);
        window.Restarted(Name(0));
        Assert.False(window.Missed(Name(0), Always));

        time.Advance(Deadline);
        Assert.False(window.Missed(Name(0), Deadline - TimeSpan.FromSeconds(1)));
        Assert.False(window.Missed(Name(0), TimeSpan.Zero));
        Assert.False(window.Missed("of another silo", Always));
        Assert.Equal(PlacesMin, window.Load.Limit);

        Assert.True(window.Missed(Name(0), Deadline));
        Assert.False(window.Missed(Name(0), Always));
        Assert.Equal(PlacesMin / 2, window.Load.Limit);
    }

    [Fact]
    public async Task Tend_ForgetsNodesOfWhichNobodyTells_AndCountsNothingAgainstTheOverlay()
    {
        await Go(0, PlacesMin);
        var next = Enter(PlacesMin);

        time.Advance(Deadline + TimeSpan.FromMinutes(2));
        window.Tend();
        Assert.False(next.IsCompleted);

        time.Advance(TimeSpan.FromSeconds(1));
        window.Tend();
        await next;
        Assert.Equal(PlacesMin, window.Load.Limit);
    }

    [Fact]
    public async Task Leave_FreesThePlace_AndSaysNothingOfTheOverlay()
    {
        await Go(0, PlacesMin);
        var next = Enter(PlacesMin);

        window.Leave(Name(0));
        window.Leave(Name(0));

        await next;
        Assert.Equal(PlacesMin, window.Load.Limit);
    }

    private async Task Go(int from, int count)
    {
        for (var node = from; node < from + count; node++)
        {
            await Enter(node);
            window.Restarted(Name(node));
        }
    }

    private Task Enter(int node) =>
        window.EnterAsync("", Name(node), DateTimeOffset.UnixEpoch.AddSeconds(node), Token);

    private static string Name(int node) => $"node{node}";
}

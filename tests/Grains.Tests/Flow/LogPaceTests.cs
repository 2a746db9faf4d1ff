using ControlPlane.Flow;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class LogPaceTests
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Admits_SoManyInAnInterval_AndSumsUpTheRest()
    {
        var pace = new LogPace(time);
        var admitted = Enumerable.Range(0, 1000).Count(node => pace.Admits("enrolled", $"node{node}"));
        Assert.Equal(LogPace.LinesMax, admitted);
        Assert.True(pace.Admits("quarantined", "node0"));
        Assert.Null(pace.TakeSummary());

        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("980 more enrolled (node20, node21, node22, …)", pace.TakeSummary());
        Assert.True(pace.Admits("enrolled", "node1000"));
    }

    [Fact]
    public void TakeSummary_SaysNothing_OfAQuietFleet()
    {
        var pace = new LogPace(time);
        pace.Admits("enrolled", "node1");
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Null(pace.TakeSummary());
    }
}

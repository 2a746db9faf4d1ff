using ControlPlane.Enrolment;
using ControlPlane.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Enrolment;

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

    [Theory]
    [InlineData("ou", "choria")]
    [InlineData("extensions.customer", "acme")]
    [InlineData("extensions.site", "(none)")]
    [InlineData("ou.customer", "(none)")]
    [InlineData("extensions", "(none)")]
    public void FairnessGroup_IsTheValueOfTheClaim(string claim, string group) =>
        Assert.Equal(
            group, FairnessGroup.Of(new EnrolmentFindings("""{"ou":"choria","extensions":{"customer":"acme"}}""", "choria"), claim));

    [Fact]
    public void FairnessGroup_OfWhatGoesOnAfterASiloDied_IsItsOwn() => Assert.Equal(FairnessGroup.Resumed, FairnessGroup.Of(null, "ou"));
}

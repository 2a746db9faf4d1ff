using ControlPlane.Demo;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Demo;

public sealed class SummaryTests
{
    [Fact]
    public void ToString_IsTheLineThatTheDemoPromises() => Assert.Equal(
        "enrolled 450/500 silent 49 refused 1 seconds 30.0 nodes/minute 900 p50 8.25 s p99 12.50 s",
        new Summary(
            450, 500, 49, 1, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(8.25), TimeSpan.FromSeconds(12.5)).ToString());

    [Fact]
    public void ToString_SaysWhichOverlayOwnsHowManyNodes() => Assert.EndsWith(
        "p99 12.50 s owned overlay-1 300 overlay-2 0",
        new Summary(300, 300, 0, 0, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(8.25), TimeSpan.FromSeconds(12.5))
        {
            Owned = [("overlay-1", 300), ("overlay-2", 0)],
        }.ToString(),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(0, 50, 0)]
    [InlineData(1, 99, 1)]
    [InlineData(4, 50, 2)]
    [InlineData(100, 99, 99)]
    [InlineData(101, 99, 100)]
    public void Percentile_IsTheSmallestThatEnoughDoNotExceed(int count, int percent, int seconds) => Assert.Equal(
        TimeSpan.FromSeconds(seconds),
        Summary.Percentile([.. Enumerable.Range(1, count).Select(second => TimeSpan.FromSeconds(second))], percent));

    [Fact]
    public void Reasons_NameEachReasonOnce_TheMostFrequentFirst()
    {
        RosterEntry[] listed =
        [
            Entry("a", NodeStage.Enrolled, null),
            Entry("b", NodeStage.Quarantined, "the token is forged"),
            Entry("c", NodeStage.Silent, "does not answer"),
            Entry("d", NodeStage.Silent, "does not answer"),
        ];

        Assert.Equal(["2 silent: does not answer", "1 quarantined: the token is forged"], Summary.Reasons(listed));
    }

    private static RosterEntry Entry(string identity, NodeStage stage, string? reason) =>
        new(identity, stage, Overlay: null, reason, DateTimeOffset.UnixEpoch, DueAt: null);
}

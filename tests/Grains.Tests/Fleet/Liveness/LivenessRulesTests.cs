
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class LivenessRulesTests
{
    private static readonly LivenessOptions Options = new() { LateAfter = TimeSpan.FromMinutes(10), LostAfter = TimeSpan.FromMinutes(20) };

    [Theory]
    [InlineData(NodeLiveness.Unknown, 0, NodeLiveness.Alive)]
    [InlineData(NodeLiveness.Alive, 9, NodeLiveness.Alive)]
    [InlineData(NodeLiveness.Alive, 10, NodeLiveness.Late)]
    [InlineData(NodeLiveness.Late, 19, NodeLiveness.Late)]
    [InlineData(NodeLiveness.Late, 20, NodeLiveness.Lost)]
    [InlineData(NodeLiveness.Late, 0, NodeLiveness.Returned)]
    [InlineData(NodeLiveness.Lost, 0, NodeLiveness.Returned)]
    [InlineData(NodeLiveness.Lost, 15, NodeLiveness.Lost)]
    [InlineData(NodeLiveness.Returned, 10, NodeLiveness.Late)]
    public void Judge_FollowsTheSilence(NodeLiveness state, int silentMinutes, NodeLiveness expected) =>
        Assert.Equal(expected, LivenessRules.Judge(state, TimeSpan.FromMinutes(silentMinutes), TimeSpan.Zero, Options));

    [Theory]
    [InlineData(9, NodeLiveness.Returned)]
    [InlineData(10, NodeLiveness.Alive)]
    public void Judge_CallsAReturnedNodeAlive_WhenItHasStayed(int backMinutes, NodeLiveness expected) =>
        Assert.Equal(expected, LivenessRules.Judge(NodeLiveness.Returned, TimeSpan.Zero, TimeSpan.FromMinutes(backMinutes), Options));

    [Fact]
    public void SilenceAfter_MakesANodeThatSaidGoodbyeLate_WhenARestartWouldBeOver() => Assert.Equal(
        Options.LateAfter - LivenessRules.RestartTime, LivenessRules.SilenceAfter(FleetEventKind.Shutdown, TimeSpan.Zero, Options));

    [Fact]
    public void Validator_ReportsEveryFault()
    {
        var result = new LivenessOptionsValidator().Validate(null, new LivenessOptions
        {
            LateAfter = TimeSpan.FromSeconds(1),
            LostAfter = TimeSpan.FromSeconds(1),
            ForgetAfter = TimeSpan.Zero,
            SnapshotInterval = TimeSpan.Zero,
        });

        Assert.Equal(4, result.Failures!.Count());
    }
}

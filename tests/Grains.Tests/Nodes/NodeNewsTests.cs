using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class NodeNewsTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void With_KeepsTheNewestOfEachKind_InWhateverOrderAndHoweverOftenItIsTold()
    {
        NodeNews[] told =
        [
            new(StartedAt: At), new(StartedAt: At.AddSeconds(1)), new(SightedAt: At), new(Arrival: new Arrival("eu-1", At)),
            new(Arrival: new Arrival("eu-1", At.AddSeconds(2))), new(Contested: new ContestedAnswer("gencsr", At, At)),
        ];
        var all = new NodeNews(At.AddSeconds(1), At, new Arrival("eu-1", At.AddSeconds(2)), new ContestedAnswer("gencsr", At, At));

        Assert.Equal(all, told.Aggregate((one, other) => one.With(other)));
        Assert.Equal(all, told.Reverse().Concat(told).Aggregate((one, other) => one.With(other)));
    }

    // No clock is needed to tell that what we asked for is newer than what was heard before.
    [Fact]
    public void With_TakesAnAnswer_WhateverTheClocksSay() => Assert.Equal(
        new Arrival("eu-1", At, IsAnswer: true),
        new NodeNews(Arrival: new Arrival("eu-1", At.AddSeconds(5)))
            .With(new NodeNews(Arrival: new Arrival("eu-1", At, IsAnswer: true))).Arrival);

    [Fact]
    public void After_LeavesWhatTheStepDidNotDecideBy()
    {
        var news = new NodeNews(At, At, new Arrival("eu-1", At), new ContestedAnswer("gencsr", At, At));

        Assert.Equal(news with { Arrival = null }, news.After(new EnrolmentStep.Arrive(At)));
        Assert.Equal(news with { Arrival = null, Contested = null }, news.After(new EnrolmentStep.Withdraw(news.Contested!)));
        Assert.Equal(NodeNews.None, news.After(new EnrolmentStep.StartOver(At, null)));
        Assert.Equal(NodeNews.None, news.After(new EnrolmentStep.Attest()));
    }
}

using ControlPlane.Liveness;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests;

public sealed class LogSummaryTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Add_SaysNothing_UntilTheIntervalIsOver_AndThenEverythingInOneLine()
    {
        var summary = new LogSummary<NodeLiveness>(TimeSpan.FromSeconds(10), time);
        for (var node = 0; node < 1000; node++)
        {
            Assert.Null(summary.Add(NodeLiveness.Late, $"node{node}"));
        }

        Assert.Null(summary.Add(NodeLiveness.Lost, "other"));
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal("1000 Late (node0, node1, node2, …); 1 Lost (other)", summary.TakeDue());
        Assert.Null(summary.TakeDue());
    }
}

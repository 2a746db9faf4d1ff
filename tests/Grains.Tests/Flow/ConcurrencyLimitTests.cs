using ControlPlane.Flow;
using CsCheck;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class ConcurrencyLimitTests
{
    private const int Min = 8;
    private const int Max = 256;
    private static readonly TimeSpan LatencyMax = TimeSpan.FromSeconds(2);

    [Fact]
    public void After_Doubles_UntilSomethingSuffers_AndThenGrowsByLittle()
    {
        var limit = new ConcurrencyLimit(16, IsStarting: true).After(Healthy, isFull: true, Min, Max, LatencyMax);
        Assert.Equal(new ConcurrencyLimit(32, true), limit);

        limit = limit.After(Slow, isFull: true, Min, Max, LatencyMax);
        Assert.Equal(new ConcurrencyLimit(22, false), limit);

        limit = limit.After(Healthy, isFull: true, Min, Max, LatencyMax);
        Assert.Equal(new ConcurrencyLimit(22 + ((Max - Min) / 20), false), limit);
    }

    [Fact]
    public void After_StaysAsItIs_WhileNobodyNeedsMore() =>
        Assert.Equal(new ConcurrencyLimit(16, true), new ConcurrencyLimit(16, true).After(Healthy, isFull: false, Min, Max, LatencyMax));

    [Fact]
    public void After_Falls_WhenOneDependencyFails_ThoughTheOthersAreWell()
    {
        var load = new LoadSummary(
            [Of(Dependency.Brokers, 100, 0, 10), Of(Dependency.Store, 100, 0, 2), Of(Dependency.Authority, 20, 5, 10)]);

        Assert.Equal(70, new ConcurrencyLimit(100, false).After(load, isFull: true, Min, Max, LatencyMax).Places);
    }

    [Fact]
    public void After_TakesAFewFailures_ForAccidents() =>
        Assert.Equal(
            100, new ConcurrencyLimit(100, false).After(
                new([Of(Dependency.Authority, 4, 4, 0)]), isFull: false, Min, Max, LatencyMax).Places);

    // A dependency that works on so many at once: more than that only wait for one another, and beyond four times that it fails.
    [Fact]
    public void After_FindsWhatADependencyBears_WhateverThatIs_AndAgainWhenItChanges() =>
        Gen.Select(Gen.Int[4, 400], Gen.Int[4, 400], Gen.Int[1, 40]).Sample((capacityBefore, capacityAfter, slowness) =>
        {
            // Alone, an order takes up to half of what is allowed: so there is something to find.
            var alone = TimeSpan.FromMilliseconds(25 * slowness);
            var limit = ConcurrencyLimit.Start(Min, Max);
            foreach (var capacity in new[] { capacityBefore, capacityAfter })
            {
                var seen = new List<int>();
                for (var window = 0; window < 120; window++)
                {
                    limit = limit.After(Simulate(limit.Places, capacity, alone), isFull: true, Min, Max, LatencyMax);
                    Assert.InRange(limit.Places, Min, Max);
                    if (window >= 60)
                    {
                        seen.Add(limit.Places);
                    }
                }

                // The number at which the latency, or the failures, reach what is allowed; one step above and below it is as near as trying
                // can be.
                var knee = Math.Min((int)(capacity * LatencyMax.Ticks / alone.Ticks), 4 * capacity);
                var step = (Max - Min) / 20;
                Assert.InRange(seen.Min(), Min, Max);
                Assert.True(seen.Min() >= Math.Min(Max, Math.Max(Min, (int)(knee * 0.7) - 1)), $"{seen.Min()} is too careful for {knee}");
                Assert.True(seen.Max() <= Math.Max(Min, knee + step), $"{seen.Max()} is too much for {knee}");
            }
        });

    [Fact]
    public void LoadWindow_SaysNothing_BeforeThereIsEnough_AndBeginsAnewThen()
    {
        var window = new LoadWindow();
        for (var sample = 1; sample < ConcurrencyLimit.SamplesMin; sample++)
        {
            window.Add(Dependency.Store, TimeSpan.FromSeconds(1), hasFailed: false);
        }

        Assert.Null(window.Take());
        window.Add(Dependency.Authority, TimeSpan.FromSeconds(9), hasFailed: true);

        var load = window.Take();
        Assert.Equal(
            [
                new(Dependency.Brokers, 0, 0, TimeSpan.Zero),
                new(Dependency.Store, 4, 0, TimeSpan.FromSeconds(1)),
                new(Dependency.Authority, 1, 1, TimeSpan.Zero)
            ],
            load!.Dependencies);
        Assert.Null(window.Take());
    }

    private static LoadSummary Healthy => new([Of(Dependency.Authority, 50, 0, 100)]);

    private static LoadSummary Slow => new([Of(Dependency.Authority, 50, 0, 2001)]);

    private static LoadSummary Simulate(int running, int capacity, TimeSpan alone)
    {
        var latency = alone * Math.Max(1, running / (double)capacity);
        var failed = running > 4 * capacity ? running / 2 : 0;
        return new LoadSummary([new DependencyLoad(Dependency.Authority, running, failed, latency)]);
    }

    private static DependencyLoad Of(Dependency dependency, int samples, int failed, int milliseconds) =>
        new(dependency, samples, failed, TimeSpan.FromMilliseconds(milliseconds));
}

using ControlPlane.Fleet;
using CsCheck;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class TimingWheelTests
{
    private const int Slots = 8;

    [Fact]
    public void Advance_HandsOverEverythingOnce_WhenItIsDueAndNotBefore() => Gen.Select(
        Gen.Int[0, 100].Array[0, 40], Gen.Int[1, 30].Array[1, 20]).Sample((ticks, steps) =>
    {
        var wheel = new TimingWheel<int>(Slots);
        var due = ticks.Select((tick, item) => wheel.Add(item, tick)).ToArray();
        var handed = new HashSet<int>();
        var now = 0L;
        foreach (var step in steps)
        {
            now += step;
            wheel.Advance(now, (item, tick) =>
            {
                Assert.Equal(due[item], tick);
                Assert.True(handed.Add(item), "handed over twice");
            });
            Assert.Equal(due.Index().Where(one => one.Item <= now).Select(one => one.Index).ToHashSet(), handed);
        }

        Assert.Equal(ticks.Length - handed.Count, wheel.Count);
    });

    [Fact]
    public void Add_IsForTheNextTick_WhenItsOwnHasPassed()
    {
        var wheel = new TimingWheel<string>(Slots);
        wheel.Advance(100, (_, _) => { });

        Assert.Equal(101, wheel.Add("late", 5));
    }
}

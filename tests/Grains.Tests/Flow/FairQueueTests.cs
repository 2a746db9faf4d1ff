using ControlPlane.Flow;
using CsCheck;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class FairQueueTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    [Fact]
    public void Next_GivesASmallGroupItsShare_ThoughALargeOneCameFirst()
    {
        var queue = new FairQueue<string>();
        for (var node = 0; node < 1000; node++)
        {
            queue.Enqueue("large", $"large{node}", Start);
        }

        for (var node = 0; node < 10; node++)
        {
            queue.Enqueue("small", $"small{node}", Start.AddMinutes(1));
        }

        var first = Enumerable.Range(0, 20).Select(_ => queue.Next()!.Value.Group).ToList();

        Assert.Equal(10, first.Count(group => group == "small"));
        Assert.Equal("large", queue.Next()!.Value.Group);
    }

    [Fact]
    public void Next_TakesEachOnce_TheOldestOfAGroupFirst_AndNoGroupRunsAheadOfOneThatWaits() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 100]).Array[0, 200].Sample(arrivals =>
        {
            var queue = new FairQueue<Tuple<int, int, int>>();
            for (var number = 0; number < arrivals.Length; number++)
            {
                var (group, age) = arrivals[number];
                queue.Enqueue($"g{group}", Tuple.Create(number, group, age), Start.AddSeconds(age));
            }

            var held = new int[5];
            var left = arrivals.GroupBy(arrival => arrival.Item1).ToDictionary(group => group.Key, group => group.Count());
            var taken = new List<Tuple<int, int, int>>();
            while (queue.Next() is var (one, _))
            {
                // Whoever was let in held no more than any group that still waited.
                Assert.True(left.Where(group => group.Value > 0).All(group => held[one.Item2] <= held[group.Key]));
                held[one.Item2]++;
                left[one.Item2]--;
                taken.Add(one);
            }

            Assert.Equal(arrivals.Length, taken.Select(one => one.Item1).Distinct().Count());
            Assert.All(
                taken.GroupBy(one => one.Item2), group =>
                    Assert.Equal(group.Select(one => one.Item3).Order(), group.Select(one => one.Item3)));
            Assert.Equal(0, queue.Waiting);
        });

    [Fact]
    public void Hold_TellsSoManyGroupsApart_AndNoMore()
    {
        var queue = new FairQueue<string>();
        var names = Enumerable.Range(0, 2 * FairQueue<string>.GroupsMax).Select(group => queue.Hold($"g{group}")).ToList();
        Assert.Equal(FairQueue<string>.GroupsMax + 1, queue.Groups);

        names.ForEach(queue.Leave);
        Assert.Equal(0, queue.Groups);
    }

    [Fact]
    public void Remove_TakesOutWhoFits_AndKeepsTheOrderOfTheRest()
    {
        var queue = new FairQueue<string>();
        queue.Enqueue("g", "third", Start.AddSeconds(3));
        queue.Enqueue("g", "first", Start.AddSeconds(1));
        queue.Enqueue("g", "second", Start.AddSeconds(2));

        Assert.Equal(["second"], queue.Remove(one => one == "second"));
        Assert.Equal(("first", "third"), (queue.Next()!.Value.One, queue.Next()!.Value.One));
        Assert.Equal(0, queue.Waiting);
    }
}

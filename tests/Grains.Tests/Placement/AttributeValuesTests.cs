using ControlPlane.Placement;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>The attribute values that a region keeps ready: equal ones once, and no more than its nodes can have.</summary>
public sealed class AttributeValuesTests
{
    private const int Many = 5000;

    [Fact]
    public void EqualValues_AreKeptOnce()
    {
        var region = new RegionState();

        Assert.Same(region.Bag(Values(0)), region.Bag(Values(0)));
    }

    [Fact]
    public void ValuesThatNoNodeHas_AreForgotten_HoweverManyCome()
    {
        var region = new RegionState();
        var first = region.Bag(Values(0));
        for (var i = 1; i <= Many; i++)
        {
            region.Bag(Values(i));
        }

        Assert.NotSame(first, region.Bag(Values(0)));
    }

    [Fact]
    public void ValuesOfNodes_AreKept()
    {
        var region = new RegionState();
        for (var i = 0; i <= Many; i++)
        {
            region.Take("a", $"n{i}", PlacedNode.New($"n{i}") with { Home = "a", Attributes = Values(i) });
        }

        Assert.Same(region.Node("n0")!.Attributes, region.Bag(Values(0)).Json);
    }

    // A string of its own each time, as messages bring them.
    private static string Values(int number) => $$"""{"serial":{{number}}}""";
}

using ControlPlane.Enrolment;
using CsCheck;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class MissingNodesTests
{
    private static readonly AdmissionOptions Options = new() { BrakeMissingMin = 3 };

    private readonly MissingNodes missing = new();

    [Fact]
    public void Judge_Stops_WhenEnoughMoreAreMissingThanHaveArrivedSince_AndNamesTheLast()
    {
        missing.Add(["a", "b"], 0);
        missing.Add(["c"], 1);
        Assert.Null(missing.Judge(Options));

        missing.Add(["d", "e"], 0);
        Assert.StartsWith(
            "4 nodes were configured for it and restarted, and neither arrived nor came back to provisioning, the last of them c, d, e;",
            missing.Judge(Options),
            StringComparison.Ordinal);

        missing.Forget();
        Assert.Null(missing.Judge(Options));
    }

    [Fact]
    public void Add_CountsANodeOnce_HoweverOftenItFails()
    {
        for (var time = 0; time < 10; time++)
        {
            missing.Add(["broken"], 0);
        }

        Assert.Equal(1, missing.Count);
    }

    [Fact]
    public void Add_IsABucketThatLeaks() => Gen.Select(Gen.Int[0, 20], Gen.Int[0, 20]).Array[0, 300].Sample(reports =>
    {
        var (nodes, level, named) = (new MissingNodes(), 0, 0);
        foreach (var (missed, arrived) in reports)
        {
            nodes.Add(Enumerable.Range(named, missed).Select(number => $"node{number}"), arrived);
            named += missed;
            level = Math.Min(Math.Max(level + missed - arrived, 0), AdmissionOptions.BrakeMissingMost);
            Assert.Equal(level, nodes.Count);
        }
    });
}

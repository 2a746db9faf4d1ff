using ControlPlane.Placement;

namespace ControlPlane.Grains.Tests.Placement;

public sealed class UnplacedNodesTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    [Fact]
    public void Look_TellsOnce_WhoHasHadNoPlaceForTooLong()
    {
        var unplaced = new UnplacedNodes();
        var rule = ControlPlane.Placement.Policies.PlacementPolicy.Default.Unplaceable;
        unplaced.Note("n1", null, "full", Now);
        Assert.Null(unplaced.Look(rule, Now + rule.RetryAfter));

        var late = Now + rule.AlertAfter;
        unplaced.Note("n1", null, "full", late);
        Assert.Equal("1 nodes have had no place for 10 minutes or longer, first n1: full", unplaced.Look(rule, late));
        Assert.Null(unplaced.Look(rule, late + rule.RetryAfter));
        Assert.Equal(1, unplaced.Overdue);

        unplaced.Forget("n1");
        Assert.Null(unplaced.Look(rule, late + (2 * rule.RetryAfter)));
        Assert.Equal((0, 0), (unplaced.Count, unplaced.Overdue));
    }

    [Fact]
    public void Look_KnowsSinceWhenANodeWaits_ThoughItAskedAnotherActivationFirst()
    {
        var unplaced = new UnplacedNodes();
        var rule = ControlPlane.Placement.Policies.PlacementPolicy.Default.Unplaceable;

        unplaced.Note("waits", Now, "full", Now + rule.AlertAfter);

        Assert.Contains("first waits", unplaced.Look(rule, Now + rule.AlertAfter), StringComparison.Ordinal);
    }
}

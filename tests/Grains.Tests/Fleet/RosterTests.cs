using ControlPlane.Enrolment;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class RosterTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(1);

    private readonly Roster roster = new();

    [Fact]
    public void TakeDue_TakesTheOldestOfThoseThatAreDueTogether()
    {
        roster.Put(Entry("young", Now) with { Since = Now });
        roster.Put(Entry("old", Now) with { Since = Now.AddMinutes(-1) });
        roster.Put(Entry("later", Now.AddSeconds(1)));
        roster.Put(Entry("never", null));

        Assert.Equal(["old", "young"], [roster.TakeDue(Now)?.Identity, roster.TakeDue(Now)?.Identity]);
        Assert.Null(roster.TakeDue(Now));
    }

    [Fact]
    public void IsMissing_LeavesOutWhoeverIsBeingEnrolledOrWasRefused_OfThoseWhoAnswerASweep() => Assert.Equal(
        [NodeStage.Unknown, NodeStage.Enrolled, NodeStage.Silent], Stages(entry => Roster.IsMissing(entry, entry.Since)).Order());

    [Fact]
    public void IsMissing_TakesANodeOfAnotherSite_ThatStillAnswersHereLongAfterItWasHandedOver()
    {
        var handedOver = Entry("a", null) with { Stage = NodeStage.Elsewhere };

        Assert.False(Roster.IsMissing(handedOver, Now + EnrolmentDecision.HandOverPatience));
        Assert.True(Roster.IsMissing(handedOver, Now + EnrolmentDecision.HandOverPatience + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void IsAwaited_LeavesOutWhoLivesThere_OrIsNobodyOfOurs() => Assert.Equal(
        Enum.GetValues<NodeStage>().Except([NodeStage.Unknown, NodeStage.Enrolled, NodeStage.Gone]).Order(),
        Stages(Roster.IsAwaited).Order());

    [Fact]
    public void IsBegunBy_TakesAStartOnce_AndNeverOfWhoLeft()
    {
        Assert.True(Roster.IsBegunBy(Entry("a", null), Now.AddSeconds(1)));
        Assert.False(Roster.IsBegunBy(Entry("a", null), Now));
        Assert.True(Roster.IsBegunBy(Entry("a", null) with { Stage = NodeStage.Unknown }, Now.AddDays(-1)));
        Assert.False(Roster.IsBegunBy(Entry("a", null) with { Stage = NodeStage.Gone }, Now.AddDays(1)));
    }

    [Fact]
    public void Take_KeepsTheNodeDue_WhileItIsWorkedOn_AndTakesItOnce()
    {
        roster.Put(Entry("a", Now.AddHours(1)) with { WaitsFor = new ControlMark("eu-1", 1) });

        Assert.Equal(Now, roster.Take("a", Now)?.DueAt);
        Assert.Equal(Now, Assert.Single(roster.Entries).DueAt);
        Assert.Null(roster.Take("a", Now));
        Assert.Null(roster.Take("b", Now));
        Assert.Null(roster.TakeDue(Now));

        roster.Returned(Entry("a", Now));
        Assert.Equal("a", roster.TakeDue(Now)?.Identity);
    }

    [Fact]
    public void Unshown_CountsWhoIsHeldAndWasNeverPlaced()
    {
        roster.Put(Entry("silent", Now) with { Stage = NodeStage.Silent });
        roster.Put(Entry("refused", null) with { Stage = NodeStage.Quarantined });
        roster.Put(Entry("placed", Now) with { Stage = NodeStage.Silent, Overlay = "eu-1" });
        roster.Put(Entry("new", Now) with { Stage = NodeStage.Discovered });
        Assert.Equal(2, roster.Unshown);

        roster.Put(Entry("refused", null) with { Stage = NodeStage.Enrolled, Overlay = "eu-1" });
        Assert.True(roster.Remove("silent"));
        Assert.False(roster.Remove("silent"));
        Assert.Equal(0, roster.Unshown);
    }

    [Fact]
    public void Returned_TakesOffTheList_WhoIsNotKnownAnyMore_UnlessItWasHeardMeanwhile()
    {
        foreach (var heard in new[] { false, true })
        {
            roster.Put(Entry("a", Now));
            roster.TakeDue(Now);
            if (heard)
            {
                roster.Put(Entry("a", Now));
            }

            roster.Returned(Roster.Forgotten("a", Now));
            Assert.Equal(heard, roster.Find("a") is not null);
        }
    }

    [Fact]
    public void Put_AsksToBeStored_OnlyWhenTheNodeBecomesDueEarlier()
    {
        Assert.True(roster.Put(Entry("a", Now)));
        Assert.False(roster.Put(Entry("a", Now)));
        Assert.False(roster.Put(Entry("a", Now.AddMinutes(1))));
        Assert.False(roster.Put(Entry("a", null)));
        Assert.True(roster.Put(Entry("a", Now.AddMinutes(1))));
    }

    [Fact]
    public void Unpark_MakesThoseDue_WhoseOverlaysControlHasChanged()
    {
        roster.Put(Entry("a", Now.AddHours(1)) with { WaitsFor = new ControlMark("eu-1", 1) });
        roster.Put(Entry("b", Now.AddHours(1)) with { WaitsFor = new ControlMark("eu-2", 4) });
        roster.Put(Entry("c", Now.AddHours(1)));
        Assert.False(roster.Unpark(new EnrolmentControls([new("eu-1", 1), new("eu-2", 4)]), Now));

        Assert.True(roster.Unpark(new EnrolmentControls([new("eu-1", 2), new("eu-2", 4)]), Now));

        Assert.Equal("a", roster.TakeDue(Now)?.Identity);
        Assert.Null(roster.TakeDue(Now));
        Assert.False(roster.Unpark(new EnrolmentControls([new("eu-1", 3), new("eu-2", 4)]), Now));
    }

    [Fact]
    public void Entries_KeepANodeDue_WhileItIsBeingCalled()
    {
        roster.Put(Entry("a", Now));
        roster.TakeDue(Now);

        Assert.Equal(Now, Assert.Single(roster.Entries).DueAt);
    }

    [Fact]
    public void Returned_PutsTheNodeBack_AsTheCallLeftIt()
    {
        roster.Put(Entry("a", Now));
        roster.TakeDue(Now);
        roster.Returned(Entry("a", null) with { Stage = NodeStage.Enrolled });

        Assert.Null(roster.TakeDue(Now.AddDays(1)));
        Assert.Equal(NodeStage.Enrolled, Assert.Single(roster.List(null, null, 10)).Stage);
    }

    [Fact]
    public void Returned_CallsAgain_WhenNewsCameMeanwhile()
    {
        roster.Put(Entry("a", Now));
        roster.TakeDue(Now);
        roster.Put(Entry("a", Now));
        Assert.Null(roster.TakeDue(Now));

        roster.Returned(Entry("a", null) with { Stage = NodeStage.Enrolled });
        Assert.Equal("a", roster.TakeDue(Now)?.Identity);
    }

    [Fact]
    public void List_WalksInOrderOfIdentity_ByStageAndAfter()
    {
        foreach (var identity in new[] { "c", "a", "b", "d" })
        {
            roster.Put(Entry(identity, Now));
        }

        roster.Put(Entry("b", null) with { Stage = NodeStage.Enrolled });

        Assert.Equal(["c", "d"], roster.List(NodeStage.Discovered, "a", 10).Select(entry => entry.Identity));
        Assert.Equal(["a", "b"], roster.List(null, null, 2).Select(entry => entry.Identity));
        Assert.Equal(3, roster.Count()[NodeStage.Discovered]);
    }

    [Fact]
    public void Load_AsksEveryNodeThatWasExpected_SinceItMayHaveArrivedUnrecorded()
    {
        roster.Load(
            [
                Entry("expected", Now.AddMinutes(2)) with { Stage = NodeStage.Restarted },
                Entry("silent", Now.AddMinutes(2)) with { Stage = NodeStage.Silent },
                Entry("enrolled", null) with { Stage = NodeStage.Enrolled },
            ],
            Now);

        Assert.Equal("expected", roster.TakeDue(Now)?.Identity);
        Assert.Null(roster.TakeDue(Now));
    }

    private static IEnumerable<NodeStage> Stages(Func<RosterEntry, bool> condition) =>
        Enum.GetValues<NodeStage>().Where(stage => condition(Entry("a", null) with { Stage = stage }));

    private static RosterEntry Entry(string identity, DateTimeOffset? dueAt) =>
        new(identity, NodeStage.Discovered, Overlay: null, Reason: null, Now, dueAt);
}

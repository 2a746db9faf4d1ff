using ControlPlane.Fleet;
using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class LivenessTableTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly LivenessOptions Options = new()
    {
        LateAfter = TimeSpan.FromMinutes(10),
        LostAfter = TimeSpan.FromMinutes(20),
        NodesPerPartitionMax = 100,
    };

    private readonly LivenessTable table = new(Options);
    private DateTimeOffset now = Start;
    private ulong sequence;

    [Fact]
    public void Advance_FindsEveryNodeAsSilentAsItIs_WhateverHappensInWhichOrder() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 700]).Array[1, 120].Sample(steps =>
        {
            var (tried, time, number) = (new LivenessTable(Options), Start, 0UL);
            var model = new Dictionary<string, Known>();
            foreach (var (node, seconds) in steps)
            {
                time = time.AddSeconds(seconds);
                tried.Advance(TimeSpan.FromSeconds(seconds));
                AnnounceAll(tried, time);
                foreach (var (identity, known) in model.ToList())
                {
                    model[identity] = known.Judged(time);
                }

                var name = $"node{node}";
                tried.Hear(Alive(name, time, ++number), time);
                AnnounceAll(tried, time);
                var before = model.GetValueOrDefault(name, new Known(time, NodeLiveness.Unknown, Start));
                model[name] = (before with { Heard = time }).Judged(time);
                Assert.All(model, one => Assert.Equal(one.Value.State, tried.Find(one.Key)!.State));
            }
        });

    [Fact]
    public void TakeChanges_SaysNew_Late_Lost_Returned_Alive_InTurn()
    {
        Hear("a");
        Assert.Equal(["Unknown-Alive"], Announce());
        Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(["Alive-Late"], Announce());
        Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(["Late-Lost"], Announce());
        Hear("a");
        Assert.Equal(["Lost-Returned"], Announce());
        Pass(TimeSpan.FromMinutes(9));
        Hear("a");
        Assert.Empty(Announce());
        Pass(TimeSpan.FromMinutes(2));
        Hear("a");
        Assert.Equal(["Returned-Alive"], Announce());
    }

    [Fact]
    public void TakeChanges_OffersAgain_WhatWasPutBack()
    {
        Hear("a");
        var (heartbeats, _) = Assert.Single(table.TakeChanges(10, now));
        Assert.Empty(table.TakeChanges(10, now));

        table.PutBack(heartbeats);

        Assert.Single(table.TakeChanges(10, now));
    }

    [Fact]
    public void TakeChanges_ForgetsAChange_ThatWasTakenBackMeanwhile()
    {
        Hear("a");
        Announce();
        Pass(TimeSpan.FromMinutes(10));
        Hear("a");

        Assert.Empty(Announce());
    }

    [Fact]
    public void Hear_TakesARepeatedEventForNothing()
    {
        var heard = Alive("a", now, 7);

        Assert.NotNull(table.Hear(heard, now));
        Assert.Null(table.Hear(heard, now));
    }

    [Fact]
    public void Hear_DoesNotTakeBackANewerSignOfLife_WhenAnOlderOneComesLate()
    {
        Hear("a");
        Announce();
        table.Hear(Alive("a", now.AddMinutes(-15), 0) with { Kind = FleetEventKind.Registration }, now);

        Assert.Empty(Announce());
    }

    // Sequences of two JetStream streams must not be compared: the machine event's is far ahead here, and then far behind.
    [Theory]
    [InlineData(1_000_000ul)]
    [InlineData(1ul)]
    public void Hear_TakesAMachineEventForASignOfLife_AndTheNextLifecycleEventToo(ulong sequence)
    {
        Assert.NotNull(table.Hear(Alive("a", now, 100), now));
        Assert.NotNull(table.Hear(Alive("a", now, sequence) with { Kind = FleetEventKind.Machine }, now));

        Assert.NotNull(table.Hear(Alive("a", now, 101), now));
        Assert.Null(table.Hear(Alive("a", now, 101), now));
    }

    [Fact]
    public void Hear_FollowsNoMoreNodesThanTheLimit()
    {
        for (var node = 0; node < Options.NodesPerPartitionMax + 5; node++)
        {
            Hear($"node{node}");
        }

        Assert.Equal((Options.NodesPerPartitionMax, 5L), (table.Count, table.Refused));
    }

    [Fact]
    public void Advance_IsAllThatMakesANodeSilent_SoADeafPartitionBlamesNobody()
    {
        Hear("a");
        Announce();

        // Hours pass, and nobody tells the book that it could hear.
        now = now.AddHours(5);

        Assert.Empty(Announce());
        Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(["Alive-Late"], Announce());
    }

    [Fact]
    public void Shutdown_MakesTheNodeLate_AfterTheTimeOfARestart()
    {
        Hear("a");
        Announce();
        table.Hear(Alive("a", now, ++sequence) with { Kind = FleetEventKind.Shutdown }, now);
        Pass(LivenessRules.RestartTime - TimeSpan.FromSeconds(1));
        Assert.Empty(Announce());
        Pass(TimeSpan.FromSeconds(1));

        Assert.Equal(["Alive-Late"], Announce());
    }

    [Fact]
    public void Advance_ForgetsALostNode_InTheEnd()
    {
        Hear("a");
        Announce();
        Pass(Options.LostAfter);
        Announce();
        Pass(Options.ForgetAfter - Options.LostAfter);

        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Restore_NeverCallsANodeLate_ThatMayHaveBeenHeardAfterTheSnapshot() => Gen.Int[0, 599].Sample(silentBefore =>
    {
        var second = new LivenessTable(Options);
        second.Restore(RecordOfANodeSilentFor(silentBefore), isExact: false);
        second.Advance(Options.LateAfter - TimeSpan.FromSeconds(1));
        Assert.Empty(second.TakeChanges(10, Start));

        second.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(NodeLiveness.Late, Assert.Single(second.TakeChanges(10, Start)).Change.To);
    });

    [Fact]
    public void Restore_LosesNoTime_WhenThePartitionWasLeftInOrder() => Gen.Int[0, 599].Sample(silentBefore =>
    {
        var second = new LivenessTable(Options);
        second.Restore(RecordOfANodeSilentFor(silentBefore), isExact: true);
        var left = Options.LateAfter - TimeSpan.FromSeconds(silentBefore);
        second.Advance(left - TimeSpan.FromSeconds(1));
        Assert.Empty(second.TakeChanges(10, Start));

        second.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(NodeLiveness.Late, Assert.Single(second.TakeChanges(10, Start)).Change.To);
    });

    [Fact]
    public void Restore_KeepsWhatWasAnnounced()
    {
        Hear("a");
        Announce();
        Pass(TimeSpan.FromMinutes(11));
        Announce();
        var second = new LivenessTable(Options);
        second.Restore(Assert.Single(table.Records()), isExact: false);

        Assert.Empty(second.TakeChanges(10, now));
        Assert.Equal(NodeLiveness.Late, second.Find("a")!.State);
    }

    [Fact]
    public void Restore_GivesWayToWhatWasHeardSince()
    {
        Hear("a");
        Pass(TimeSpan.FromMinutes(30));
        var record = Assert.Single(table.Records());
        var second = new LivenessTable(Options);
        second.Hear(Alive("a", now, 99), now);
        second.Restore(record, isExact: true);

        Assert.Equal(NodeLiveness.Alive, Assert.Single(second.TakeChanges(10, now)).Change.To);
    }

    [Fact]
    public void Restore_AnnouncesNothingAnew_OfANodeThatWasHeardBeforeTheSnapshotWasRead()
    {
        Hear("a");
        Announce();
        var record = Assert.Single(table.Records());
        var second = new LivenessTable(Options);
        second.Hear(Alive("a", now, 99), now);
        second.Restore(record, isExact: true);

        Assert.Empty(second.TakeChanges(10, now));
    }

    private static FleetEvent Alive(string identity, DateTimeOffset at, ulong sequence) => new(
        identity, FleetEventKind.Alive, "server", "0.30.2", Start, at, "overlay-1", sequence, "process-1");

    private static HeartbeatRecord RecordOfANodeSilentFor(int seconds)
    {
        var first = new LivenessTable(Options);
        first.Hear(Alive("a", Start, 1), Start);
        AnnounceAll(first, Start);
        first.Advance(TimeSpan.FromSeconds(seconds));
        return Assert.Single(first.Records());
    }

    private static List<string> AnnounceAll(LivenessTable tried, DateTimeOffset at)
    {
        var said = new List<string>();
        foreach (var (heartbeats, change) in tried.TakeChanges(1000, at))
        {
            said.Add($"{change.From}-{change.To}");
            tried.Confirm(heartbeats, change.To);
        }

        return said;
    }

    private void Hear(string identity) => table.Hear(Alive(identity, now, ++sequence), now);

    private void Pass(TimeSpan time)
    {
        now += time;
        table.Advance(time);
    }

    private List<string> Announce() => AnnounceAll(table, now);

    /// <summary>One node, judged at every moment: what the wheel must come to without looking at it.</summary>
    private sealed record Known(DateTimeOffset Heard, NodeLiveness State, DateTimeOffset Back)
    {
        public Known Judged(DateTimeOffset at)
        {
            var judged = LivenessRules.Judge(State, at - Heard, at - Back, Options);
            return this with { State = judged, Back = judged == NodeLiveness.Returned && State != judged ? at : Back };
        }
    }
}

using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Where a replicator goes on, and when an alarm is due.</summary>
public sealed class ReplicaPlanTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly ReplicaSettings Settings = ReplicaWorld.Settings();
    private static readonly SourceLimits NoLimits = new(TimeSpan.Zero, -1, -1, PerSubject: false);
    private static readonly SourceState Source = new("100", First: 1, Now, Last: 50, Messages: 50, Bytes: 5_000, NoLimits);

    [Theory]
    [InlineData("100", 20, 1, 50, false, null, 20)]
    [InlineData("100", 50, 1, 50, false, null, 50)]
    [InlineData("100", 20, 31, 50, false, "dropped", 30)]
    [InlineData("100", 20, 51, 50, false, "dropped", 50)]
    [InlineData("100", 60, 1, 50, false, "rewound", 0)]
    [InlineData("100", 20, 1, 50, true, "rewound", 0)]
    [InlineData("99", 20, 1, 50, false, "recreated", 0)]
    [InlineData("100.2", 20, 1, 50, false, null, 20)]
    public void Of_SaysWhatIsMissing(
        string incarnation, ulong reached, ulong first, ulong last, bool isRewound, string? reason, ulong after)
    {
        var plan = ReplicaPlan.Of(
            Settings, new ReplicaCursor(incarnation, reached), Source with { First = first, Last = last }, isRewound);

        Assert.Equal((reason, after), (plan.Gap?.Reason, plan.After.Sequence));
        Assert.True(plan.Gap is null || plan.Gap.First == reached + 1);
    }

    [Fact]
    public void ARewoundStream_IsAnotherIncarnation_EachTime()
    {
        var once = ReplicaPlan.Of(Settings, new ReplicaCursor("100", 60), Source, isRewound: false).After;
        var twice = ReplicaPlan.Of(Settings, once with { Sequence = 60 }, Source, isRewound: false).After;

        Assert.Equal(("100.1", "100.2"), (once.Incarnation, twice.Incarnation));
    }

    [Fact]
    public void Reached_BelievesACheckpoint_OnlyOfATargetThatHasNotLostItsEnd()
    {
        var checkpoint = new ReplicaCheckpoint(new ReplicaCursor("100", 0), "7", 10, new ReplicaCursor("100", 40));
        var target = new ReplicaEnd("7", 10, new ReplicaCursor("100", 30), 1 << 20);

        Assert.Equal(40ul, ReplicaPlan.Reached(target, checkpoint).Sequence);
        Assert.Equal(30ul, ReplicaPlan.Reached(target with { LastSequence = 9 }, checkpoint).Sequence);
        Assert.Equal(30ul, ReplicaPlan.Reached(target with { Incarnation = "8" }, checkpoint).Sequence);
        Assert.Equal(40ul, ReplicaPlan.Reached(target with { Cursor = null }, checkpoint).Sequence);
        Assert.Equal(0ul, ReplicaPlan.Reached(target with { Cursor = null, Incarnation = "8" }, checkpoint).Sequence);
    }

    [Fact]
    public void RetentionLeft_IsTheLeastOfWhatTheSourceDropsBy()
    {
        Assert.Equal(1, Of(NoLimits));
        Assert.Equal(0.75, Of(NoLimits with { MaxAge = TimeSpan.FromHours(4) }), 3);
        Assert.Equal(0.5, Of(NoLimits with { MaxAge = TimeSpan.FromHours(4), MaxMessages = 50 }), 3);
        Assert.Equal(0, Of(NoLimits with { MaxBytes = 1_000 }), 3);
        Assert.Equal(1, (Source with { Limits = NoLimits with { MaxMessages = 1 } }).RetentionLeft(0, null, Now));

        static double Of(SourceLimits limits) => (Source with { Limits = limits }).RetentionLeft(25, Now.AddHours(-1), Now);
    }

    [Fact]
    public void Headers_AreGivenBackAsTheyWere_AlsoOfACopyOfACopy()
    {
        var original = new NATS.Client.Core.NatsHeaders { ["A"] = "1", ["Nats-Msg-Id"] = "x", ["ControlPlane-Kept-Nats-Msg-Id"] = "y" };
        var once = ReplicaHeaders.Of(Settings, new ReplicaCursor("100", 1, Now), original);
        var twice = ReplicaHeaders.Of(Settings, new ReplicaCursor("200", 7, Now), once);

        Assert.Equal(Lines(original), Lines(once, isCopy: true));
        Assert.Equal(Lines(once), Lines(twice, isCopy: true));

        static IEnumerable<string> Lines(NATS.Client.Core.NatsHeaders headers, bool isCopy = false) =>
            (isCopy ? ReplicaHeaders.OriginalOf(headers) : headers.Select(one => KeyValuePair.Create(one.Key, one.Value.ToString())))
                .Select(one => $"{one.Key}: {one.Value}").Order(StringComparer.Ordinal);
    }
}

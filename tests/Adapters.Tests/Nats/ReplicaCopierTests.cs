using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Copies are in order and once, whatever ends when; what cannot be copied is said once.</summary>
public sealed class ReplicaCopierTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Copies_AreInOrder_AndKeepWhatProducersSaid()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 1, headers: new NatsHeaders
        {
            ["Choria-Token"] = "t",
            ["Several"] = new(["a", "b"]),
            ["Nats-Msg-Id"] = "mine",
            ["Nats-Expected-Last-Sequence"] = "0",
        });
        await world.PublishAsync(2, 499);

        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 500);

        await world.AssertCopiedAsync(500);
        var first = (await world.CopiesAsync())[0];
        Assert.Equal("copy.events.a", first.Subject);
        Assert.Equal("t", first.Header("Choria-Token"));
        Assert.Equal("a,b", first.Header("Several"));
        Assert.Equal("mine", first.Header("ControlPlane-Kept-Nats-Msg-Id"));
        Assert.Equal("0", first.Header("ControlPlane-Kept-Nats-Expected-Last-Sequence"));
        Assert.Matches(@"^EVENTS 1 overlay-1 test \d{13}$", first.Header("Choria-SR-Source"));
        Assert.Matches(@"^1 test EVENTS \d{16} 1 \d{16}$", first.Header("ControlPlane-Source"));
    }

    // A message id that came again after the source's duplicate window is another message: the target may not drop it.
    [Fact]
    public async Task Copies_OfOneMessageId_AreAllThere()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync(stream => stream.DuplicateWindow = TimeSpan.FromMilliseconds(100));
        await world.PublishAsync(1, 1, headers: new NatsHeaders { ["Nats-Msg-Id"] = "again" });
        await Task.Delay(TimeSpan.FromSeconds(1), Token);
        await world.PublishAsync(2, 1, headers: new NatsHeaders { ["Nats-Msg-Id"] = "again" });

        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 2);

        await world.AssertCopiedAsync(2);
    }

    public static TheoryData<string> Programs => [NatsPrograms.Installed, NatsPrograms.Newest];

    [Theory, MemberData(nameof(Programs))]
    public async Task Copies_AreInOrderAndOnce_WhenReplicatorsDieInTheMiddle_AndTwoRunAtOnce(string program)
    {
        const int count = 4_000;
        await using var world = await ReplicaWorld.StartAsync(program);
        await world.MakeSourceAsync();
        var random = new Random(16);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var publishing = world.PublishAsync(1, count);
        var dying = Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            while (!ending.IsCancellationRequested)
            {
                using var life = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
                var copying = world.CopyAsync(ReplicaWorld.Settings(), life.Token);
                await Task.Delay(random.Next(300, 1_500), CancellationToken.None);
                await life.CancelAsync();
                await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }));
        await publishing;

        await world.UntilAsync(copies => copies.Count >= count);
        await ending.CancelAsync();
        await dying;

        await world.AssertCopiedAsync(count);
    }

    [Fact]
    public async Task Copies_AreInOrderAndOnce_WhenTheConnectionIsCut()
    {
        const int count = 3_000;
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = world.KeepCopyingAsync(ReplicaWorld.Settings(), ending.Token);
        var publishing = world.PublishAsync(1, count);
        for (var cuts = 0; cuts < 6; cuts++)
        {
            await Task.Delay(200, Token);
            world.Proxy.Cut();
            await Task.Delay(100, Token);
            world.Proxy.Heal();
        }

        await publishing;
        await world.UntilAsync(copies => copies.Count >= count);
        await ending.CancelAsync();
        await copying;

        await world.AssertCopiedAsync(count);
    }

    [Fact]
    public async Task TheTarget_IsMadeAnewWhole_WhenItIsDeleted()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 300);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = world.KeepCopyingAsync(ReplicaWorld.Settings(), ending.Token);
        await world.UntilAsync(copies => copies.Count == 300);

        await world.There.DeleteStreamAsync(ReplicaWorld.Target, Token);
        await world.PublishAsync(301, 100);

        await world.UntilAsync(copies => copies.Count >= 400);
        await ending.CancelAsync();
        await copying;
        await world.AssertCopiedAsync(400);
    }

    [Fact]
    public async Task AGap_IsSaidOnce_WhenRetentionWasShorterThanTheIsolation()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync(stream => stream.MaxMsgs = 100);
        await world.PublishAsync(1, 50);
        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 50);
        await world.PublishAsync(51, 300);

        // Killed and begun anew several times: the record is written once all the same.
        for (var life = 0; life < 4; life++)
        {
            await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count >= 51 + (life * 30));
        }

        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count >= 151);

        var copies = await world.CopiesAsync();
        Assert.Equal(
            [.. Enumerable.Range(1, 50).Select(ReplicaWorld.Text), .. Enumerable.Range(251, 100).Select(ReplicaWorld.Text)],
            copies.Where(copy => !copy.IsGap).Select(copy => copy.Text));
        Assert.Equal(50, copies.Select((copy, index) => (copy, index)).Single(one => one.copy.IsGap).index);
        var gap = copies[50];
        Assert.Equal("copy.controlplane.replication.gap.test", gap.Subject);
        Assert.Equal("dropped", gap.Gap.GetProperty("reason").GetString());
        Assert.Equal(51, gap.Gap.GetProperty("first").GetInt32());
        Assert.Equal(250, gap.Gap.GetProperty("last").GetInt32());
        Assert.True(gap.Gap.GetProperty("after").GetDateTimeOffset() <= gap.Gap.GetProperty("before").GetDateTimeOffset());
    }

    [Fact]
    public async Task AGap_IsSaid_WhenTheSourceIsPurgedOrDeletedFrom_WhileItIsFollowed()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 100);
        var stream = await world.Here.GetStreamAsync(ReplicaWorld.Source, cancellationToken: Token);
        await stream.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = 40 }, Token);
        await stream.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = 41 }, Token);

        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 99);
        await world.PublishAsync(101, 10);
        await stream.PurgeAsync(new StreamPurgeRequest(), Token);
        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 100);

        var gaps = (await world.CopiesAsync()).Where(copy => copy.IsGap).Select(copy => copy.Gap).ToList();
        Assert.Equal([(40, 41), (101, 110)], gaps.Select(gap => (gap.GetProperty("first").GetInt32(), gap.GetProperty("last").GetInt32())));
    }

    [Fact]
    public async Task ASource_ThatIsMadeAnew_IsFollowedFromItsBegin_AfterOneRecord()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 100);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = world.KeepCopyingAsync(ReplicaWorld.Settings(), ending.Token);
        await world.UntilAsync(copies => copies.Count == 100);

        await world.Here.DeleteStreamAsync(ReplicaWorld.Source, Token);
        await world.MakeSourceAsync();
        await world.PublishAsync(1001, 150);

        await world.UntilAsync(copies => copies.Count >= 251);
        await ending.CancelAsync();
        await copying;
        var copies = await world.CopiesAsync();
        Assert.Equal(
            [.. Enumerable.Range(1, 100).Select(ReplicaWorld.Text), .. Enumerable.Range(1001, 150).Select(ReplicaWorld.Text)],
            copies.Where(copy => !copy.IsGap).Select(copy => copy.Text));
        var gap = Assert.Single(copies, copy => copy.IsGap);
        Assert.Equal("recreated", gap.Gap.GetProperty("reason").GetString());
        Assert.Equal(101, gap.Gap.GetProperty("first").GetInt32());
        Assert.Same(gap, copies[100]);
    }

    [Fact]
    public async Task OnlyWantedSubjects_AreCopied_AndTheRestIsNoGap()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        for (var number = 1; number <= 50; number++)
        {
            await world.PublishAsync(number, 1, "events.b");
            await world.PublishAsync(1000 + number, 1, "events.a");
        }

        await world.CopyUntilAsync(ReplicaWorld.Settings("events.b"), copies => copies.Count >= 30);
        await world.CopyUntilAsync(ReplicaWorld.Settings("events.b"), copies => copies.Count >= 50);

        await world.AssertCopiedAsync(50);
    }

    [Fact]
    public async Task ACopy_ThatIsTooLargeForTheTarget_IsSaidToBeMissing()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.There.CreateStreamAsync(new StreamConfig(ReplicaWorld.Target, ["copy.>"]) { MaxMsgSize = 2_000 }, Token);
        await world.PublishAsync(1, 1);
        await world.Here.PublishAsync("events.a", new byte[3_000], cancellationToken: Token);
        await world.PublishAsync(3, 1);

        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 3);

        var gap = Assert.Single(await world.CopiesAsync(), copy => copy.IsGap).Gap;
        Assert.Equal("too-large", gap.GetProperty("reason").GetString());
        Assert.Equal((2, 2), (gap.GetProperty("first").GetInt32(), gap.GetProperty("last").GetInt32()));
    }

    [Fact]
    public async Task ATarget_OfAnotherLink_IsLeftAlone()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 10);
        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 10);

        var other = ReplicaWorld.Settings() with { Name = "other" };
        var fault = await Assert.ThrowsAsync<ReplicaFaultException>(() => world.CopyAsync(other, Token));

        Assert.Contains("copies of the link 'test'", fault.Message, StringComparison.Ordinal);
        await world.AssertCopiedAsync(10);
    }

    // The copies went by the target's own retention: what is remembered keeps them from coming again.
    [Fact]
    public async Task AnEmptyTarget_IsNotFilledAgain_WhenItIsTheSame()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 20);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = world.KeepCopyingAsync(ReplicaWorld.Settings(), ending.Token);
        await Readiness.UntilAsync(
            _ => Task.FromResult(world.Checkpoint?.Examined?.Sequence == 20), "a checkpoint", Token, () => $"{world.Checkpoint}");
        await ending.CancelAsync();
        await copying;

        await world.There.PurgeStreamAsync(ReplicaWorld.Target, new StreamPurgeRequest(), Token);
        await world.PublishAsync(21, 5);
        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count >= 5);

        Assert.Equal(Enumerable.Range(21, 5).Select(ReplicaWorld.Text), (await world.CopiesAsync()).Select(copy => copy.Text));
    }

    [Theory]
    [InlineData("new", 11)]
    [InlineData("5", 5)]
    [InlineData("all", 1)]
    [InlineData("1.00:00:00", 1)]
    [InlineData("2124-01-01T00:00:00Z", 11)]
    public async Task ALink_BeginsWhereItIsTold(string start, int first)
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 10);
        var settings = ReplicaWorld.Settings() with { Start = ReplicaStart.ReadOrNull(start)! };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = world.KeepCopyingAsync(settings, ending.Token);
        await Readiness.UntilAsync(_ => Task.FromResult(world.Checkpoint is not null), "the begin", Token);

        await world.PublishAsync(11, 5);
        await world.UntilAsync(copies => copies is [.., { Text: "15" }]);
        await ending.CancelAsync();
        await copying;

        Assert.Equal(
            Enumerable.Range(first, 16 - first).Select(ReplicaWorld.Text), (await world.CopiesAsync()).Select(copy => copy.Text));
    }

    [Fact]
    public async Task AComparison_NamesTheRange_WhereSourceAndTargetDiffer()
    {
        await using var world = await ReplicaWorld.StartAsync();
        await world.MakeSourceAsync();
        await world.PublishAsync(1, 250, headers: new NatsHeaders { ["Nats-Msg-Id"] = new(), ["X"] = "y" });
        await world.CopyUntilAsync(ReplicaWorld.Settings(), copies => copies.Count == 250);
        var comparison = new ReplicaComparison(ReplicaWorld.Settings(), world.Here, world.There, TimeProvider.System);

        var match = await comparison.CompareAsync(1_000, Token);
        Assert.Equal((1ul, 250ul, 250, 250, 0), (match.First, match.Last, match.Originals, match.Copies, match.Gaps));
        Assert.Empty(match.Differences);

        var target = await world.There.GetStreamAsync(ReplicaWorld.Target, cancellationToken: Token);
        await target.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = 150 }, Token);
        var difference = Assert.Single((await comparison.CompareAsync(1_000, Token)).Differences);
        Assert.Equal(new ReplicaDifference(100, 199, 100, 99), difference);
    }
}

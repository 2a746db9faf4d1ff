using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.JetStream.Models;
using Orleans.Serialization;

namespace ControlPlane.Adapters.Tests.Store;

/// <summary>A nats-server of the class's own, and our streams on it.</summary>
public sealed class OverlayStoreFixture : IAsyncLifetime
{
    internal NatsServer Server { get; private set; } = null!;

    internal FleetParts Parts { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, TestContext.Current.CancellationToken);
        Parts = new FleetParts(overlay: Server.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await Parts.DisposeAsync();
        await Server.DisposeAsync();
    }
}

public sealed class OverlayRegisterTests(OverlayStoreFixture overlay) : RegisterContract, IClassFixture<OverlayStoreFixture>
{
    protected override IRegister Register => new OverlayRegister(overlay.Parts.Streams, OverlayStreams.State);
}

public sealed class OverlayLogTests(OverlayStoreFixture overlay) : LogContract, IClassFixture<OverlayStoreFixture>
{
    protected override ILog Log => new OverlayLog(overlay.Parts.Streams, Logs.Changes);
}

/// <summary>What only real brokers do: end, come back, forget, forbid.</summary>
public sealed class OverlayStoreFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FollowAsync_GoesOnFromItsCursor_AcrossARestartOfTheServer()
    {
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        var read = new List<ulong>();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var following = FollowAsync(log, read, until: 6, ending.Token);
        await AppendAsync(log, 3);
        await Readiness.UntilAsync(_ => Task.FromResult(read.Count == 3), "the first records", Cancel);

        await broker.KillAsync();
        await broker.RestartAsync(Cancel);
        await AppendAsync(log, 3);
        await following;

        Assert.Equal([1ul, 2, 3, 4, 5, 6], read);
    }

    [Fact]
    public async Task Gap_IsSaid_WhenTheOldestRecordsWentByRetention()
    {
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        await AppendAsync(log, 10);
        var stream = await parts.Streams.AskAsync(
            Logs.Changes, async (store, limit) => await store.JetStream.GetStreamAsync(store.Name, cancellationToken: limit), Cancel);
        await stream.PurgeAsync(new StreamPurgeRequest { Seq = 5 }, Cancel);
        await stream.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = 7 }, Cancel);

        Assert.Equal(new LogPositions(5, 10), await log.GetPositionsAsync(Cancel));
        Assert.Equal(
            [new LogItem.Gap(2, 5), 5ul, 6ul, new LogItem.Gap(6, 8), 8ul, 9ul, 10ul], await ReadAsync(log.FollowAsync(2, Cancel).Take(7)));
        Assert.Equal([new LogItem.Gap(2, 5), 5ul, 6ul, 8ul, 9ul, 10ul], await ReadAsync(log.ReadAsync("topic", 2, Cancel)));
        Assert.Equal([5ul, 6ul, 8ul, 9ul, 10ul], await ReadAsync(log.ReadAsync("topic", 0, Cancel)));
    }

    [Fact]
    public async Task Gap_IsSaid_WhenTheLogWasLostAndBegunAnew()
    {
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        await AppendAsync(log, 10);
        await broker.StopAsync();
        broker.LoseStore();
        await broker.RestartAsync(Cancel);
        await AppendAsync(log, 2);

        Assert.Equal([new LogItem.Gap(10, 1), 1ul, 2ul], await ReadAsync(log.FollowAsync(10, Cancel).Take(3)));
        Assert.Equal([new LogItem.Gap(10, 1), 1ul, 2ul], await ReadAsync(log.ReadAsync("topic", 10, Cancel)));
    }

    [Fact]
    public async Task Watchers_GetWhatComes_AndAreToldWhenTheLogWasLost()
    {
        await using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        var serializer = services.GetRequiredService<Serializer>();
        using var stored = new StoredMessages(serializer, NullLogger<StoredMessages>.Instance);
        var tail = new NodeChangeTail(log, stored);
        using var loops = new Loops(TimeProvider.System, NullLogger<Loops>.Instance);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var following = loops.RunAsync("feed", TimeSpan.FromMilliseconds(100), isDueAtOnce: true, tail.FollowAsync, ending.Token);
        var change = new NodeChange(
            new RosterEntry("web1", NodeStage.Enrolled, "london", null, DateTimeOffset.UnixEpoch, null), InventoryDigest: null);

        await new ChangePublication(log, serializer).PublishAsync("3", [change], (_, fault) => Assert.Fail(fault.Message), Cancel);
        await AppendAsync(log, 1);

        var first = Assert.IsType<FeedRead.Changes>(await tail.ReadAsync(0, 1, Cancel));
        Assert.Equal(1ul, first.Position);
        Assert.Equal([change], first.Batches[0].Changes);
        Assert.Empty(Assert.IsType<FeedRead.Changes>(await tail.ReadAsync(1, 1, Cancel)).Batches[0].Changes);

        await broker.StopAsync();
        broker.LoseStore();
        await broker.RestartAsync(Cancel);
        await AppendAsync(log, 1);

        Assert.IsType<FeedRead.TooOld>(await tail.ReadAsync(2, 1, Cancel));
        await ending.CancelAsync();
        await following;
    }

    [Fact]
    public async Task Denial_IsAnError_AndNoSilence()
    {
        await using var broker = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                JetStream = true,
                Configuration = """
                    authorization { users: [ { user: a, password: a, permissions: { publish: { deny: "controlplane.>" } } } ] }
                    no_auth_user: a
                    """,
            },
            Cancel);
        await using var parts = new FleetParts(overlay: broker.Url);

        var append = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new OverlayLog(parts.Streams, Logs.Changes).AppendAsync(new LogRecord("topic", null, "1"u8.ToArray()), null, Cancel));
        var write = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new OverlayRegister(parts.Streams, OverlayStreams.State).WriteAsync("area", "key", "1"u8.ToArray(), null, Cancel));

        Assert.Contains("controlplane_london_changes", append.Message, StringComparison.Ordinal);
        Assert.Contains("controlplane_london_state", write.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AppendAsync_RefusesClearly_WhatTheseBrokersDoNotTake()
    {
        await using var broker = await NatsServer.StartAsync(
            new NatsServerSettings { JetStream = true, Configuration = "max_payload: 64KB" }, Cancel);
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Changes);
        await AppendAsync(log, 1);

        await Assert.ThrowsAsync<ArgumentException>(() => log.AppendAsync(new LogRecord("topic", null, new byte[100_000]), null, Cancel));
        await AppendAsync(log, 1);
    }

    // As a round of the silo does it: what broke off is begun again from where it was.
    private static async Task FollowAsync(OverlayLog log, List<ulong> read, int until, CancellationToken cancellationToken)
    {
        while (read.Count < until)
        {
            try
            {
                await foreach (var item in log.FollowAsync(read.Count == 0 ? 0 : read[^1], cancellationToken))
                {
                    read.Add(Assert.IsType<LogItem.Entry>(item).Position);
                    if (read.Count == until)
                    {
                        return;
                    }
                }
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
            }
        }
    }

    private static async Task AppendAsync(OverlayLog log, int count)
    {
        for (var number = 0; number < count;)
        {
            try
            {
                await log.AppendAsync(new LogRecord("topic", null, "1"u8.ToArray()), null, Cancel);
                number++;
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), Cancel);
            }
        }
    }

    private static async Task<IReadOnlyList<object>> ReadAsync(IAsyncEnumerable<LogItem> items) =>
        await items.Select(item => item is LogItem.Entry entry ? (object)entry.Position : item).ToListAsync(Cancel);

    private static Task<NatsServer> StartAsync() => NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancel);
}

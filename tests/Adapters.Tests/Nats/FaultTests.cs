using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Servers that die, hang, lose their leader or come back empty: nothing is lost, and nothing needs a silo's restart.</summary>
public sealed class FaultTests
{
    private static readonly string[] Identities = [.. Enumerable.Range(0, 20).Select(n => $"node{n}")];
    private static readonly (string, string)[] Sent = [.. Identities.Select(identity => ("src", identity))];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Defect 1.2.7: slow deliveries are redelivered while they are on their way.
    [Fact]
    public async Task Events_AreDeliveredOnce_WhenTheConsumerIsSlowerThanAckWait()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 10, Cancelled);

        // Several times as long as the wait, which a busy machine must be able to prolong in time.
        var history = new History
        {
            OnDelivery = one => one.Event is { Identity: "node3", Number: 2 } ? Task.Delay(12_000, Cancelled) : Task.CompletedTask,
        };
        await using var cluster = await StreamCluster.StartAsync(
            1, [("src", server.Url)], options => options.AckWait = TimeSpan.FromSeconds(5), history: history);

        await cluster.UntilDeliveredAsync(200, Cancelled);
        await Readiness.UntilAsync(_ => Task.FromResult(cluster.Queues.All(queue => queue.HeldMessages == 0)), "nothing held", Cancelled);
        Assert.Empty(history.Faults(Sent, 10));
        Assert.Equal(200, history.All.Count);
        var consumer = await ConsumerAsync(connection);
        Assert.Equal(200ul, consumer.Delivered.ConsumerSeq);
    }

    // Defect 1.2.6: one slow subscriber pins the queue; and the bound must be ours, not memory.
    [Fact]
    public async Task Server_KeepsWhatDoesNotFit_WhenTheConsumerStands()
    {
        var goOn = new TaskCompletionSource();
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 100, Cancelled);
        var history = new History { OnDelivery = _ => goOn.Task };
        await using var cluster = await StreamCluster.StartAsync(
            1, [("src", server.Url)], options => options.WindowMessagesMax = 64, history: history);

        await Readiness.UntilAsync(_ => Task.FromResult(cluster.Queues.Any(queue => queue.HeldMessages == 64)), "a full window", Cancelled);
        await Task.Delay(500, Cancelled);
        Assert.Equal(64, cluster.Queues.Max(queue => queue.HeldMessages));
        goOn.SetResult();
        await cluster.UntilDeliveredAsync(2000, Cancelled);
        Assert.Empty(history.Faults(Sent, 100));
        Assert.Equal(2000, history.All.Count);
    }

    [Fact]
    public async Task NothingIsLost_WhenTheServerIsKilledBetweenStoreAndAck()
    {
        var goOn = new TaskCompletionSource();
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 10, Cancelled);
        var history = new History { OnDelivery = one => one.Event.Number >= 5 ? goOn.Task : Task.CompletedTask };
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)], history: history);
        await cluster.UntilDeliveredAsync(20, Cancelled);

        await server.KillAsync();
        goOn.SetResult();
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Queues.Any(queue => queue.NotReady is not null)),
            "not ready",
            Cancelled,
            () => cluster.Log.ToString());
        var sick = await cluster.CheckHealthAsync(Cancelled);
        Assert.Equal(HealthStatus.Unhealthy, sick.Status);
        Assert.Contains("queue src is not read", sick.Entries["test"].Description, StringComparison.Ordinal);
        await server.RestartAsync(Cancelled);
        await Publisher.PublishAllAsync(connection, "src", Identities, 10, 10, Cancelled);

        await Readiness.UntilAsync(
            _ => Task.FromResult(history.Faults(Sent, 20).Count == 0), "all", Cancelled, () => cluster.Log.ToString(), Patience);
        Assert.All(cluster.Queues, queue => Assert.Null(queue.NotReady));
        Assert.Equal(HealthStatus.Healthy, (await cluster.CheckHealthAsync(Cancelled)).Status);
    }

    [Fact]
    public async Task NothingIsLost_WhenTheServerHangsForTwentySeconds()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)]);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 10, Cancelled);
        await cluster.UntilDeliveredAsync(200, Cancelled);

        server.Pause();
        await Task.Delay(TimeSpan.FromSeconds(20), Cancelled);
        server.Continue();
        await Publisher.PublishAllAsync(connection, "src", Identities, 10, 10, Cancelled);

        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, 20).Count == 0), "all", Cancelled, () => cluster.Log.ToString(), Patience);
    }

    // Defect filed as #9975: a rolling restart left consumers dead for ever.
    [Fact]
    public async Task NothingIsLost_WhenAMemberOfANatsClusterIsKilled()
    {
        await using var servers = await NatsCluster.StartAsync(Cancelled);
        await using var connection = StreamCluster.Connect(servers.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled, replicas: 3);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", servers.Url)], options => options.Replicas = 3);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 10, Cancelled);
        await cluster.UntilDeliveredAsync(200, Cancelled);

        // The stream's leader, and it comes back. More kills meet the consumers that the package's README tells of, and take minutes.
        var stream = await new NatsJSContext(connection).GetStreamAsync(StreamCluster.StreamOf("src"), cancellationToken: Cancelled);
        var leader = servers.Members[stream.Info.Cluster!.Leader![^1] - '0'];
        await leader.KillAsync();
        await UntilStoredAsync(connection, 10, 5, Detail);
        await UntilHeardAsync(15);
        await leader.RestartAsync(untilHealthy: false, Cancelled);
        await servers.UntilWholeAsync(Cancelled);
        await UntilStoredAsync(connection, 15, 5, Detail);
        await UntilHeardAsync(20);

        Task UntilHeardAsync(int count) => Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, count).Count == 0), "all so far", Cancelled, Detail, Patience);
        string Detail() => cluster.Log + string.Join('\n', servers.Members.Select(member => member.Output));
    }

    [Fact]
    public async Task Queue_GoesOnAndReportsIt_WhenTheStreamIsDeletedAndMadeAnew()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)]);
        await UntilStoredAsync(connection, 0, 5);
        await cluster.UntilDeliveredAsync(100, Cancelled);

        await new NatsJSContext(connection).DeleteStreamAsync(StreamCluster.StreamOf("src"), Cancelled);
        await UntilStoredAsync(connection, 5, 5);

        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, 10).Count == 0), "all", Cancelled, () => cluster.Log.ToString(), Patience);
        Assert.Contains(cluster.Queues, queue => queue.LastLost is { From: 101, Through: null });
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Errors.Any(error => error is JetStreamDataLostException { Lost.From: 101 })),
            "the word to the consumers",
            Cancelled,
            () => cluster.Log.ToString());
        var positions = cluster.History.All.Where(one => one.Event.Identity == "node0").Select(one => one.Position).ToArray();
        Assert.Equal(positions.Order(), positions);
    }

    [Fact]
    public async Task Queue_GoesOnAndReportsIt_WhenTheServerComesBackEmpty()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)]);
        await UntilStoredAsync(connection, 0, 5);
        await cluster.UntilDeliveredAsync(100, Cancelled);

        await server.KillAsync();
        server.LoseStore();
        await server.RestartAsync(Cancelled);
        await UntilStoredAsync(connection, 5, 5, () => cluster.Log.ToString());

        await Readiness.UntilAsync(
            _ => Task.FromResult(
                cluster.History.Faults(Sent, 10).Count == 0
                && cluster.History.Errors.Any(error => error is JetStreamDataLostException { Lost: { From: 101, Through: null } })),
            "all, and the word to the consumers",
            Cancelled,
            () => cluster.Log.ToString(),
            Patience);
        Assert.Equal(200, cluster.History.All.Count);
        var positions = cluster.History.All.Where(one => one.Event.Identity == "node0").Select(one => one.Position).ToArray();
        Assert.Equal(positions.Order(), positions);
    }

    [Fact]
    public async Task Gap_IsReported_WhenRetentionTookWhatWasNotDelivered()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", Identities, 0, 5, Cancelled);
        await using (var before = await StreamCluster.StartAsync(1, [("src", server.Url)], serviceId: "gap"))
        {
            await before.UntilDeliveredAsync(100, Cancelled);
            await before.Silos.StopAllSilosAsync(Cancelled);
        }

        await Publisher.PublishAllAsync(connection, "src", Identities, 5, 10, Cancelled);
        await new NatsJSContext(connection).PurgeStreamAsync(
            StreamCluster.StreamOf("src"), new StreamPurgeRequest { Seq = 201 }, Cancelled);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)], serviceId: "gap");

        await cluster.UntilDeliveredAsync(100, Cancelled);
        Assert.Contains(cluster.Queues, queue => queue.LastLost is { From: 101, Through: 200 });
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Errors.Any(error =>
                error is JetStreamDataLostException { Lost: { From: 101, Through: 200 } })),
            "the word to the consumers",
            Cancelled,
            () => cluster.Log.ToString());
    }

    // Defect 1.2.4: a provider whose server was away at the start never came to life.
    [Fact]
    public async Task Silo_StartsAndReadsLater_WhenTheServerIsAwayAtTheStart()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await server.StopAsync();
        await using var cluster = await StreamCluster.StartAsync(
            1, [("src", server.Url)], options => options.StartTimeout = TimeSpan.FromSeconds(1));
        Assert.Contains(cluster.Queues, queue => queue.NotReady is not null);

        await server.RestartAsync(Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await UntilStoredAsync(connection, 0, 5);
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, 5).Count == 0), "all", Cancelled, () => cluster.Log.ToString(), Patience);
    }

    private static async Task<ConsumerInfo> ConsumerAsync(NATS.Client.Core.INatsConnection connection)
    {
        await foreach (var consumer in new NatsJSContext(connection).ListConsumersAsync(StreamCluster.StreamOf("src"), Cancelled))
        {
            return consumer.Info;
        }

        throw new InvalidOperationException("there is no consumer");
    }

    // Publishing may find no stream or no leader for a while; what is asked for is that all of it is stored, in order.
    private static async Task UntilStoredAsync(
        NATS.Client.Core.INatsConnection connection, int from, int count, Func<string>? detail = null)
    {
        var jetStream = new NatsJSContext(connection);
        for (var number = from; number < from + count; number++)
        {
            foreach (var identity in Identities)
            {
                await Readiness.UntilAsync(
                    async token =>
                    {
                        try
                        {
                            var options = new NatsJSPubOpts { MsgId = $"{identity}-{number}" };
                            var ack = await jetStream.PublishAsync(
                                "src.event.x",
                                System.Text.Encoding.UTF8.GetBytes($"{identity} {number}"),
                                NATS.Client.Core.NatsRawSerializer<byte[]>.Default,
                                options,
                                cancellationToken: token);
                            return ack.Error is null;
                        }
                        catch (NATS.Client.Core.NatsException)
                        {
                            return false;
                        }
                    },
                    "a publish",
                    Cancelled,
                    detail,
                    Patience);
            }
        }
    }
}

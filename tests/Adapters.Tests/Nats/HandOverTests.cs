using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using Orleans.Configuration;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Queues move between silos that come, go and die, under load: nothing is lost or out of order.</summary>
public sealed class HandOverTests
{
    private static readonly string[] Identities = [.. Enumerable.Range(0, 40).Select(n => $"node{n}")];
    private static readonly string[] Sources = ["one", "two", "three"];
    private static readonly (string, string)[] Sent = [.. Sources.SelectMany(source => Identities.Select(identity => (source, identity)))];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NothingIsLostOrReordered_WhenOneSiloOfThreeIsKilledAndAnotherComes()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await Task.WhenAll(Sources.Select(source => StreamCluster.MakeStreamAsync(connection, source, Cancelled)));
        await using var cluster = await StreamCluster.StartAsync(3, [.. Sources.Select(source => (source, server.Url))]);
        await PublishAsync(connection, 0, 20);

        var load = PublishAsync(connection, 20, 80);
        var victim = cluster.Silos.Silos.First(silo => cluster.QueuesOf(silo).Count > 0);
        await cluster.Silos.KillSiloAsync(victim, Cancelled);
        await cluster.Silos.StartAdditionalSiloAsync();
        await load;

        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, 100).Count == 0), "all", Cancelled, () => Detail(cluster), Patience);
    }

    [Fact]
    public async Task NothingIsLostOrReordered_WhenSilosLeaveInOrder()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await Task.WhenAll(Sources.Select(source => StreamCluster.MakeStreamAsync(connection, source, Cancelled)));
        await using var cluster = await StreamCluster.StartAsync(3, [.. Sources.Select(source => (source, server.Url))]);
        await PublishAsync(connection, 0, 20);

        var load = PublishAsync(connection, 20, 40);
        await cluster.Silos.StopSiloAsync(cluster.Silos.Silos[^1], Cancelled);
        await cluster.Silos.StopSiloAsync(cluster.Silos.Silos[^1], Cancelled);
        await load;

        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Faults(Sent, 60).Count == 0), "all", Cancelled, () => Detail(cluster), Patience);
        Assert.Equal(Sources.Order(), cluster.Queues.Select(queue => queue.Queue).Order());
    }

    // Fencing: of two silos that both believe that a queue is theirs, the later one has it.
    [Fact]
    public async Task EarlierOwner_LearnsIt_WhenAnotherTakesTheQueue()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "one", Cancelled);
        await using var cluster = await StreamCluster.StartAsync(1, [("one", server.Url)], serviceId: "fenced");
        await Publisher.PublishAllAsync(connection, "one", Identities, 0, 10, Cancelled);
        await cluster.UntilDeliveredAsync(400, Cancelled);

        var rival = Rival(connection);
        var taken = await rival.TakeAsync(before: null, doneThrough: 0, Cancelled);
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Queues.Single().NotReady == "another silo has it"), "the fenced owner", Cancelled, () =>
                Detail(cluster));
        Assert.True(taken.Position.Floor is > 0 and <= 400);
        await Publisher.PublishAllAsync(connection, "one", Identities, 10, 10, Cancelled);

        await rival.ReleaseAsync(taken, taken.Position.Floor, Cancelled);
        await Readiness.UntilAsync(
            _ => Task.FromResult(
                cluster.History.Faults(
                    [.. Identities.Select(identity => ("one", identity))],
                    20).Count == 0), "all", Cancelled, () => Detail(cluster), Patience);
    }

    private static QueueOwnership Rival(NATS.Client.Core.INatsConnection connection)
    {
        var jetStream = new NATS.Client.JetStream.NatsJSContext(connection);
        var options = new JetStreamStreamOptions { Partitions = 8 };
        var names = new ProviderNames("fenced", StreamCluster.Provider);
        var queue = new QueueDefinition(
            "one", jetStream, "ONE", [], Create: null, JetStreamStart.Oldest, new SourceReader(new TestDecoder(), [], "x", 8));
        return new QueueOwnership(
            queue,
            StreamCluster.Provider,
            names,
            new StateRegister(jetStream, names, 1),
            options,
            new QueueOwner("rival", _ => true),
            TimeProvider.System);
    }

    private static Task PublishAsync(NATS.Client.Core.INatsConnection connection, int from, int count) =>
        Task.WhenAll(Sources.Select(source => Publisher.PublishAllAsync(connection, source, Identities, from, count, Cancelled)));

    private static string Detail(StreamCluster cluster) =>
        string.Join('\n', cluster.Queues) + '\n' + string.Join('\n', cluster.History.Faults(Sent, 100).Take(5)) + '\n' + cluster.Log;
}

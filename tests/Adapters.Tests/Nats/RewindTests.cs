using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>
/// A consumer of typed events goes back by its own token as far as the server keeps events, and is told when that is not far enough.
/// </summary>
public sealed class RewindTests
{
    private const int Before = 10;
    private const string Key = "rewound";
    private const string Other = "not rewound";
    private static readonly StreamId Stream = StreamId.Create("ns", Key);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Each event is one message, and those of the other stream lie in between: number n has the sequence 2n + 1.
    [Theory]
    [InlineData(0ul, 0)]
    [InlineData(9ul, 4)]
    [InlineData(10ul, 5)]
    [InlineData(ulong.MaxValue, Before)]
    public async Task Consumer_GetsWhatIsKept_FromASequenceOn(ulong sequence, int firstNumber)
    {
        await using var server = await FilledAsync();
        await using var cluster = await ResumeAsync(
            server, positions => positions.TokenAsync(positions.QueueOf(Stream), sequence, Cancelled));

        await PublishAsync(cluster, Before, 5);

        await AssertNumbersAsync(cluster, Enumerable.Range(firstNumber, Before + 5 - firstNumber));
        Assert.Empty(cluster.History.Errors);
    }

    [Fact]
    public async Task Consumer_GetsWhatIsKept_FromATimeOn()
    {
        await using var server = await FilledAsync();
        DateTimeOffset instant;
        await using (var before = await StreamCluster.StartTypedAsync(1, server.Url, OnePartition, serviceId: "rewind"))
        {
            await Task.Delay(20, Cancelled);
            instant = TimeProvider.System.GetUtcNow();
            await PublishAsync(before, Before, 5);
            await AssertNumbersAsync(before, Enumerable.Range(Before, 5));
        }

        await using var cluster = await ResumeAsync(server, async positions =>
        {
            var queue = positions.QueueOf(Stream);
            return await positions.TokenAsync(queue, await positions.SequenceAtAsync(queue, instant, Cancelled), Cancelled);
        });
        await PublishAsync(cluster, Before + 5, 1);

        await AssertNumbersAsync(cluster, Enumerable.Range(Before, 6));
    }

    [Fact]
    public async Task Consumer_IsToldOfTheGap_WhenTheServerDoesNotKeepWhatItAsksFor()
    {
        await using var server = await FilledAsync();
        await using var connection = StreamCluster.Connect(server.Url);
        await new NatsJSContext(connection).PurgeStreamAsync(
            new ProviderNames("rewind", StreamCluster.Provider).EventsJetStream, new StreamPurgeRequest { Seq = 11 }, Cancelled);
        await using var cluster = await ResumeAsync(server, positions => positions.TokenAsync(positions.QueueOf(Stream), 3, Cancelled));

        await PublishAsync(cluster, Before, 1);

        await AssertNumbersAsync(cluster, Enumerable.Range(5, 6));
        var lost = Assert.IsType<JetStreamDataLostException>(Assert.Single(cluster.History.Errors));
        Assert.Equal((3ul, 10ul), (lost.Lost.From, lost.Lost.Through!.Value));
    }

    [Fact]
    public async Task Event_BecomesADeadLetter_WhenItFailsTheConsumerThatWentBack()
    {
        await using var server = await FilledAsync();
        await using var cluster = await ResumeAsync(
            server,
            positions => positions.TokenAsync(positions.QueueOf(Stream), 0, Cancelled),
            options => options.DeliveryAttemptsMax = 2);
        cluster.History.OnDelivery = one => one.Event.Number == 7
            ? throw new InvalidOperationException("not this one")
            : Task.CompletedTask;

        await PublishAsync(cluster, Before, 1);

        int[] others = [.. Enumerable.Range(0, Before + 1).Where(number => number != 7)];
        await Readiness.UntilAsync(
            _ => Task.FromResult(NumbersOf(cluster).Distinct().Order().SequenceEqual(others)), "the others", Cancelled, () =>
                string.Join(',', NumbersOf(cluster)) + cluster.Log);
        await Readiness.UntilAsync(
            async token =>
                await cluster.DeadLetters.ListAsync("events-0", cancellationToken: token).AnyAsync(token), "a dead letter", Cancelled);
        var letter = await cluster.DeadLetters.ListAsync("events-0", cancellationToken: Cancelled).SingleAsync(Cancelled);
        Assert.Equal(15ul, letter.Sequence);
    }

    private static void OnePartition(JetStreamStreamOptions options) => options.Partitions = 1;

    // Every event was delivered and acknowledged once: what comes again, comes by the token.
    private static async Task<NatsServer> FilledAsync()
    {
        var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true, Program = NatsPrograms.Newest }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url, OnePartition, serviceId: "rewind");
        for (var number = 0; number < Before; number++)
        {
            await cluster.PublishAsync("ns", Key, [new TestEvent("ns", Key, number)]);
            await cluster.PublishAsync("ns", Other, [new TestEvent("ns", Other, number)]);
        }

        await cluster.UntilDeliveredAsync(2 * Before, Cancelled);
        await cluster.Silos.StopAllSilosAsync(Cancelled);
        return server;
    }

    private static async Task<StreamCluster> ResumeAsync(
        NatsServer server,
        Func<JetStreamPositions, Task<StreamSequenceToken>> tokenOf,
        Action<JetStreamStreamOptions>? configure = null)
    {
        var cluster = await StreamCluster.StartTypedAsync(
            1,
            server.Url,
            options =>
            {
                OnePartition(options);
                configure?.Invoke(options);
            },
            serviceId: "rewind");
        var token = await tokenOf(cluster.Positions);
        cluster.History.ResumeAt = key => key == Key ? token : null;
        return cluster;
    }

    private static async Task PublishAsync(StreamCluster cluster, int from, int count)
    {
        for (var number = from; number < from + count; number++)
        {
            await cluster.PublishAsync("ns", Key, [new TestEvent("ns", Key, number)]);
        }
    }

    private static async Task AssertNumbersAsync(StreamCluster cluster, IEnumerable<int> expected)
    {
        int[] numbers = [.. expected];
        await Readiness.UntilAsync(
            _ => Task.FromResult(NumbersOf(cluster).Length >= numbers.Length), $"{numbers.Length} events", Cancelled, () =>
                string.Join(',', NumbersOf(cluster)) + cluster.Log);
        Assert.Equal(numbers, NumbersOf(cluster));
        Assert.DoesNotContain(cluster.History.All, one => one.Event.Identity == Other);
    }

    private static int[] NumbersOf(StreamCluster cluster) =>
        [.. cluster.History.All.Where(one => one.Event.Identity == Key).Select(one => one.Event.Number)];
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.JetStream;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Typed events of our own: published and consumed under any name, and never lost without a word.</summary>
public sealed class TypedEventTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Defects 1.2.2 and 1.2.12 of the public provider: a dot in a key, a blank, a wildcard.
    [Theory]
    [InlineData(JetStreamEventBody.Orleans)]
    [InlineData(JetStreamEventBody.Json)]
    public async Task Events_ArriveUnderAnyNamespaceAndKey_WhateverTheLetters(JetStreamEventBody body)
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url, options => options.Events!.Body = body);
        string[] keys =
        [
            "plain", "host.example.com", "*", ">", "a b", "ünïcödé/Ω", "=", "_", new('k', 1024), "line\r\nend", "null", "nul\0l",
        ];
        string[] namespaces = ["plain", "dots.and spaces", ">", "null"];

        var sent = 0;
        foreach (var streamNamespace in namespaces)
        {
            foreach (var key in keys)
            {
                await cluster.PublishAsync(streamNamespace, key, [new TestEvent(streamNamespace, key, 0)]);
                sent++;
            }
        }

        await cluster.UntilDeliveredAsync(sent, Cancelled);
        Assert.Equal(sent, cluster.History.All.Select(one => (one.Event.Source, one.Event.Identity)).Distinct().Count());
        Assert.Equal(sent, cluster.History.All.Count);
        Assert.All(cluster.History.All, one => Assert.Equal(one.Event.Identity, one.Partition));
    }

    // Defect 1.2.9: all events of a batch had one token.
    [Fact]
    public async Task Batch_ArrivesInOrderWithinOneMessage_WhenPublishedAtOnce()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url);
        for (var batch = 0; batch < 20; batch++)
        {
            await cluster.PublishAsync("ns", "key", [.. Enumerable.Range(batch * 10, 10).Select(n => new TestEvent("ns", "key", n))]);
        }

        await cluster.UntilDeliveredAsync(200, Cancelled);
        Assert.Equal(Enumerable.Range(0, 200), cluster.History.All.Select(one => one.Event.Number));
        Assert.Equal(20, cluster.History.All.Select(one => one.Position).Distinct().Count());
    }

    // Defect 1.2.8: a retried publish is stored twice.
    [Fact]
    public async Task Publish_IsStoredOnce_WhenRepeatedWithItsMessageId()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url);
        for (var time = 0; time < 3; time++)
        {
            await cluster.PublishAsync("ns", "key", [new TestEvent("ns", "key", 1)], messageId: "order-1");
        }

        await cluster.PublishAsync("ns", "key", [new TestEvent("ns", "key", 2)]);
        await cluster.UntilDeliveredAsync(2, Cancelled);
        Assert.Equal([1, 2], cluster.History.All.Select(one => one.Event.Number));
    }

    // Defect 1.2.1: a publish that failed is swallowed.
    [Fact]
    public async Task Publish_Throws_WhenTheServerIsGone()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(
            1, server.Url, options => options.Events!.PublishTimeout = TimeSpan.FromSeconds(2));
        await cluster.PublishAsync("ns", "key", [new TestEvent("ns", "key", 1)]);
        await server.KillAsync();

        await Assert.ThrowsAsync<JetStreamPublishException>(() => cluster.PublishAsync("ns", "key", [new TestEvent("ns", "key", 2)]));
    }

    [Fact]
    public async Task Publish_Throws_WhenTheServerRefusesTheMessage()
    {
        await using var server = await NatsServer.StartAsync(
            new NatsServerSettings { JetStream = true, Configuration = "max_payload: 2000" }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(
            1, server.Url, options => options.Events!.PublishTimeout = TimeSpan.FromSeconds(2));

        await Assert.ThrowsAsync<JetStreamPublishException>(
            () => cluster.PublishAsync("ns", "key", [new TestEvent("ns", new string('x', 5000), 1)]));
    }

    [Fact]
    public async Task Client_Publishes_WhatGrainsConsume()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(2, server.Url);
        var stream = cluster.Silos.Client.GetStreamProvider(StreamCluster.Provider).GetStream<TestEvent>(StreamId.Create("ns", "client's"));

        for (var number = 0; number < 20; number++)
        {
            await stream.OnNextAsync(new TestEvent("client", "client's", number));
        }

        await cluster.UntilDeliveredAsync(20, Cancelled);
        Assert.Equal(Enumerable.Range(0, 20), cluster.History.All.Select(one => one.Event.Number));
    }

    [Fact]
    public async Task Delivery_ContinuesTheTraceOfItsPublisher()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == QueueMetrics.MeterName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url);
        var key = Path.GetRandomFileName();

        await cluster.PublishAsync("traced", key, [new TestEvent("ns", key, 1)]);

        await Readiness.UntilAsync(_ => Task.FromResult(Of("jetstream deliver").Any()), "a delivery's trace", Cancelled);
        Assert.Equal(Assert.Single(Of("jetstream publish")).SpanId, Assert.Single(Of("jetstream deliver")).ParentSpanId);
        Assert.Equal(Of("jetstream publish").Single().TraceId, Of("jetstream deliver").Single().TraceId);

        // Other tests publish in this process as well.
        IEnumerable<Activity> Of(string name) => ended.Where(activity =>
            activity.OperationName == name && Equals(activity.GetTagItem("messaging.destination.name"), $"traced/{key}"));
    }

    // Defect 1.2.12: names without the ServiceId.
    [Fact]
    public async Task Events_StayInTheirCluster_WhenTwoClustersShareAServer()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var one = await StreamCluster.StartTypedAsync(1, server.Url, serviceId: "overlay-1");
        await using var other = await StreamCluster.StartTypedAsync(1, server.Url, serviceId: "overlay-2");
        for (var number = 0; number < 20; number++)
        {
            await one.PublishAsync("ns", "key", [new TestEvent("one", "key", number)]);
            await other.PublishAsync("ns", "key", [new TestEvent("other", "key", number)]);
        }

        await one.UntilDeliveredAsync(20, Cancelled);
        await other.UntilDeliveredAsync(20, Cancelled);
        Assert.All(one.History.All, delivered => Assert.Equal("one", delivered.Event.Source));
        Assert.All(other.History.All, delivered => Assert.Equal("other", delivered.Event.Source));
        Assert.Equal(20, one.History.All.Count);
        Assert.Equal(20, other.History.All.Count);
    }

    [Fact]
    public async Task Message_BecomesADeadLetter_WhenItIsNotOfOurMaking()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url, serviceId: "foreign");
        await cluster.PublishAsync("ns", "key", [new TestEvent("ns", "key", 1)]);
        await using var connection = StreamCluster.Connect(server.Url);
        var names = new ProviderNames("foreign", StreamCluster.Provider);
        (await new NatsJSContext(connection).PublishAsync(
            names.EventSubject(3, "ns"u8, "key"u8), Encoding.UTF8.GetBytes("junk"), cancellationToken: Cancelled)).EnsureSuccess();

        await Readiness.UntilAsync(
            async token => await cluster.DeadLetters.ListAsync("events-3", cancellationToken: token).AnyAsync(token),
            "a dead letter",
            Cancelled,
            () => cluster.Log.ToString());
        var letter = await cluster.DeadLetters.ListAsync("events-3", cancellationToken: Cancelled).FirstAsync(Cancelled);
        Assert.Equal("junk", Encoding.UTF8.GetString(letter.Payload.Span));
        Assert.Contains("name no Orleans stream", letter.Reason, StringComparison.Ordinal);
    }
}

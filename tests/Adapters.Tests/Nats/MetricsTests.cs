using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What the provider says of its queues while they fill, and when they are empty.</summary>
public sealed class MetricsTests
{
    /// <summary>This test's own source, since the tests of one process share its meters.</summary>
    private const string Queue = "metered";

    private static readonly string[] Tags = ["provider", "queue", "cause"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Figures_FollowAQueue_FromItsLagToItsEnd_WithBoundedTagsOnly()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, Queue, Cancelled);
        var released = new TaskCompletionSource();
        var history = new History { OnDelivery = _ => released.Task };
        using var figures = new Figures();
        await using var cluster = await StreamCluster.StartAsync(1, [(Queue, server.Url)], history: history);

        await Publisher.PublishAllAsync(connection, Queue, ["a"], 0, 20, Cancelled);
        await Publisher.PublishAsync(connection, Queue, "! rubbish", Cancelled);
        await Readiness.UntilAsync(_ => Task.FromResult(figures.Now("held") > 0), "messages that are held", Cancelled);
        Assert.True(figures.Now("held.bytes") > 0);
        Assert.True(figures.Now("age") > 0);
        Assert.Equal(1, figures.Now("ready"));

        released.SetResult();
        await Readiness.UntilAsync(
            _ => Task.FromResult(figures.Now("held") == 0 && figures.Sum("dead_letters") > 0 && history.DistinctBodies(Queue) == 20),
            "an empty queue",
            Cancelled,
            () => cluster.Log.ToString());

        Assert.Equal(1, figures.Sum("dead_letters"));
        Assert.True(figures.Sum("read.messages") >= 20);
        Assert.True(figures.Sum("read.bytes") >= 20 * "a 0".Length);
        Assert.Equal((0, 0, 0), (figures.Now("held.bytes"), figures.Now("pending"), figures.Now("age")));
        Assert.Empty(figures.TagNames.Keys.Except(Tags));
    }

    /// <summary>Collects what the meter of the provider measures of one queue.</summary>
    private sealed class Figures : IDisposable
    {
        private const string Prefix = "controlplane.streams.";

        private readonly MeterListener listener = new();
        private readonly ConcurrentDictionary<string, double> sums = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, double> last = new(StringComparer.Ordinal);

        public Figures()
        {
            listener.InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Name == QueueMetrics.MeterName)
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            };
            listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
            listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
            listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
            listener.Start();
        }

        public ConcurrentDictionary<string, byte> TagNames { get; } = new(StringComparer.Ordinal);

        public double Sum(string name) => sums.GetValueOrDefault(Prefix + name);

        /// <summary>The value of a gauge at this moment; NaN while it says nothing of the queue.</summary>
        public double Now(string name)
        {
            listener.RecordObservableInstruments();
            return last.GetValueOrDefault(Prefix + name, double.NaN);
        }

        public void Dispose() => listener.Dispose();

        private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var isOurs = false;
            foreach (var tag in tags)
            {
                isOurs |= tag is { Key: "queue", Value: Queue };
            }

            if (!isOurs)
            {
                return;
            }

            foreach (var tag in tags)
            {
                TagNames[tag.Key] = 0;
            }

            last[instrument.Name] = value;
            sums.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value);
        }
    }
}

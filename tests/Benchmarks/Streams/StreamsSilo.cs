using System.Diagnostics;
using System.Globalization;
using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Configuration;
using Orleans.Hosting;

namespace ControlPlane.Benchmarks.Streams;

/// <summary>A nats-server with a filled, file-backed JetStream stream, and a silo that reads it.</summary>
internal sealed class StreamsSilo : IAsyncDisposable
{
    public const string Namespace = "bench-events";
    public const int Identities = 20_000;
    private const string Provider = "bench";
    private const string Source = "bench";
    private const string JetStream = "BENCH";
    private const string Subject = "bench.event";
    private const int AckEvery = 256;

    private readonly NatsServer _server;
    private IHost? _host;

    private StreamsSilo(NatsServer server, NatsConnection connection)
    {
        _server = server;
        Connection = connection;
    }

    public NatsConnection Connection { get; }

    public EventCount Count { get; } = new();

    public int ServerProcessId => _server.ProcessId;

    public static async Task<StreamsSilo> StartAsync(
        int partitions, bool withProvider, CancellationToken cancellationToken, bool withEvents = false)
    {
        var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
        var silo = new StreamsSilo(server, new NatsConnection(new NatsOpts { Url = server.Url }));
        await new NatsJSContext(silo.Connection).CreateStreamAsync(new StreamConfig(JetStream, [Subject]), cancellationToken);
        silo._host = silo.Build(partitions, withProvider, withEvents);
        await silo._host.StartAsync(cancellationToken);
        return silo;
    }

    /// <summary>Stores events of all identities in turn.</summary>
    public async Task FillAsync(int events, CancellationToken cancellationToken)
    {
        var jetStream = new NatsJSContext(Connection);
        var stored = new Queue<NatsJSPublishConcurrentFuture>();
        for (var number = 0; number < events; number++)
        {
            stored.Enqueue(await jetStream.PublishConcurrentAsync(
                Subject, Body(number % Identities), NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken));
            while (stored.Count > (number == events - 1 ? 0 : AckEvery * 4))
            {
                await using var oldest = stored.Dequeue();
                (await oldest.GetResponseAsync(cancellationToken)).EnsureSuccess();
            }
        }
    }

    /// <summary>Publishes at an even pace without waiting for the server: what is measured is the way to the reader.</summary>
    public async Task PublishEvenlyAsync(int events, int perSecond, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        for (var number = 0; number < events; number++)
        {
            var due = TimeSpan.FromSeconds((double)number / perSecond) - Stopwatch.GetElapsedTime(began);
            if (due > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(due, cancellationToken);
            }

            await Connection.PublishAsync(
                Subject, Body(number % Identities), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
        }
    }

    /// <summary>Events a second from the stream's beginning through the provider to what counts them.</summary>
    public async Task<double> ReadAllAsync(int events, CancellationToken cancellationToken)
    {
        var reached = Count.ExpectAsync(events);
        var positions = _host!.Services.GetRequiredKeyedService<JetStreamPositions>(Provider);
        var began = Stopwatch.GetTimestamp();
        await positions.MoveAsync(Source, 0, cancellationToken);
        await reached.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);
        return events / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>The same by the client's own consumer: as many messages asked for at once, one acknowledgement for as many.</summary>
    public async Task<double> ReadAllRawAsync(int events, Action<BenchEvent>? onEvent, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var consumer = await new NatsJSContext(Connection).CreateOrUpdateConsumerAsync(
            JetStream,
            new ConsumerConfig("raw")
            {
                DurableName = "raw",
                AckPolicy = ConsumerConfigAckPolicy.All,
                MaxAckPending = 8192,
                DeliverPolicy = onEvent is null ? ConsumerConfigDeliverPolicy.All : ConsumerConfigDeliverPolicy.New,
            },
            cancellationToken);
        try
        {
            await ReadRawAsync(consumer, events, onEvent, cancellationToken);
            return events / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
        finally
        {
            await new NatsJSContext(Connection).DeleteConsumerAsync(JetStream, "raw", CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.StopAsync();
            _host.Dispose();
        }

        await Connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    internal static BenchEvent Read(ReadOnlySpan<byte> body)
    {
        var blank = body.IndexOf((byte)' ');
        return new BenchEvent(Encoding.UTF8.GetString(body[..blank]), long.Parse(body[(blank + 1)..], CultureInfo.InvariantCulture));
    }

    private static async Task ReadRawAsync(
        INatsJSConsumer consumer, int events, Action<BenchEvent>? onEvent, CancellationToken cancellationToken)
    {
        var count = 0;
        var options = new NatsJSConsumeOpts { MaxMsgs = 1024 };
        await foreach (var message in consumer.ConsumeAsync(NatsRawSerializer<byte[]>.Default, options, cancellationToken))
        {
            var heard = Read(message.Data);
            onEvent?.Invoke(heard);
            if (++count % AckEvery == 0 || count == events)
            {
                await message.AckAsync(cancellationToken: cancellationToken);
            }

            if (count == events)
            {
                return;
            }
        }
    }

    private static byte[] Body(int identity) => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"node{identity}.example.net {Stopwatch.GetTimestamp()}"));

    private IHost Build(int partitions, bool withProvider, bool withEvents)
    {
        var host = Host.CreateApplicationBuilder();
        host.Logging.ClearProviders();
        host.Services.AddSingleton(Count);
        host.Services.AddKeyedSingleton<IJetStreamDecoder, BenchDecoder>("bench");
        host.Services.AddSingleton<INatsConnection>(_ => new NatsConnection(new NatsOpts { Url = _server.Url }));
        host.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(LoopbackPort.Free(), LoopbackPort.Free());
            silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromHours(1));
            if (withProvider)
            {
                silo.AddJetStreamStreams(Provider, options =>
                {
                    options.Namespace = Namespace;
                    options.Partitions = partitions;
                    options.Events = withEvents ? new JetStreamEventsOptions() : null;
                    options.Sources.Add(new JetStreamSourceOptions { Name = Source, JetStream = JetStream, DecoderKey = "bench" });
                });
            }
        });
        return host.Build();
    }

    private sealed class BenchDecoder : IJetStreamDecoder
    {
        public DecodedMessage Decode(in JetStreamMessage message)
        {
            var read = Read(message.Payload.Span);
            return DecodedMessage.Event(read.Identity, read);
        }
    }
}

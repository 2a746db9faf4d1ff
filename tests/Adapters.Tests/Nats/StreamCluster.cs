using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.TestingHost;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Silos in this process that read JetStream streams of a real nats-server by the provider.</summary>
internal sealed class StreamCluster : IAsyncDisposable
{
    public const string Provider = "test";
    public const string Namespace = "test-events";

    private readonly InProcessTestCluster _cluster;

    private StreamCluster(InProcessTestCluster cluster, History history, CollectedLog log)
    {
        _cluster = cluster;
        Log = log;
        History = history;
    }

    public History History { get; }

    public CollectedLog Log { get; }

    public InProcessTestCluster Silos => _cluster;

    /// <summary>Starts silos with one source for each (name, server url).</summary>
    public static async Task<StreamCluster> StartAsync(
        int silos,
        IReadOnlyList<(string Source, string Url)> sources,
        Action<JetStreamStreamOptions>? configure = null,
        string? serviceId = null,
        History? history = null,
        Action<ISiloBuilder>? configureSilo = null,
        Action<InProcessTestClusterBuilder>? configureClient = null)
    {
        history ??= new History();
        var log = new CollectedLog();
        var lifecycles = new SiloLifecycles();
        var builder = new InProcessTestClusterBuilder((short)silos);
        builder.Options.ServiceId = serviceId ?? $"service-{Path.GetRandomFileName()}";
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(history);
            silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(lifecycles);
            silo.Services.AddHealthChecks().AddJetStreamStreams(Provider);
            silo.Services.AddKeyedSingleton<IJetStreamDecoder, TestDecoder>("test");
            silo.ConfigureLogging(logging =>
                logging.AddProvider(log).SetMinimumLevel(LogLevel.Warning).AddFilter("ControlPlane", LogLevel.Information));
            configureSilo?.Invoke(silo);
            foreach (var (source, url) in sources)
            {
                silo.Services.AddKeyedSingleton<INatsConnection>(source, (_, _) => Connect(url));
            }

            silo.AddJetStreamStreams(Provider, options =>
            {
                options.Namespace = Namespace;
                options.Partitions = 8;

                // On a busy machine a delivery may take longer than the 30 seconds after which its events are dead letters.
                options.DeliveryRetryTime = Readiness.Deadline;
                foreach (var (source, _) in sources)
                {
                    options.Sources.Add(Source(source));
                }

                configure?.Invoke(options);
            });
        });
        configureClient?.Invoke(builder);
        var cluster = builder.Build();
        try
        {
            await cluster.DeployAsync();
        }
        catch
        {
            await lifecycles.StopAsync();
            await cluster.DisposeAsync();
            throw;
        }

        return new StreamCluster(cluster, history, log);
    }

    /// <summary>Starts silos with a provider of typed events, and no sources.</summary>
    public static Task<StreamCluster> StartTypedAsync(
        int silos, string url, Action<JetStreamStreamOptions>? configure = null, string? serviceId = null) =>
        StartAsync(
            silos,
            [],
            options =>
            {
                options.ConnectionKey = "typed";
                options.Partitions = 4;
                options.Events = new JetStreamEventsOptions();
                configure?.Invoke(options);
            },
            serviceId,
            configureSilo: silo => silo.Services.AddKeyedSingleton<INatsConnection>("typed", (_, _) => Connect(url)),
            configureClient: builder => builder.ConfigureClient(client =>
            {
                client.Services.AddKeyedSingleton<INatsConnection>("client", (_, _) => Connect(url));
                client.AddJetStreamStreams(Provider, options =>
                {
                    options.ConnectionKey = "client";
                    options.Partitions = 4;
                    options.Events = new JetStreamEventsOptions();
                    configure?.Invoke(options);
                });
            }));

    /// <summary>Publishes from within a silo.</summary>
    public Task PublishAsync(string streamNamespace, string key, TestEvent[] events, string? messageId = null) =>
        _cluster.Client.GetGrain<ITypedGrain>(Path.GetRandomFileName())
            .Publish(Encoding.UTF8.GetBytes(streamNamespace), Encoding.UTF8.GetBytes(key), events, messageId);

    public JetStreamDeadLetters DeadLetters => _cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<JetStreamDeadLetters>(Provider);

    public JetStreamPositions Positions => _cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<JetStreamPositions>(Provider);

    /// <summary>The queues of all silos.</summary>
    public IReadOnlyList<JetStreamQueueStatus> Queues => [.. _cluster.Silos.SelectMany(QueuesOf)];

    /// <summary>The health of the first silo.</summary>
    public Task<HealthReport> CheckHealthAsync(CancellationToken cancellationToken) =>
        _cluster.Silos[0].ServiceProvider.GetRequiredService<HealthCheckService>().CheckHealthAsync(cancellationToken);

    public IReadOnlyList<JetStreamQueueStatus> QueuesOf(InProcessSiloHandle silo) =>
        silo.ServiceProvider.GetRequiredKeyedService<JetStreamStreamsHealth>(Provider).Queues;

    public static NatsConnection Connect(string url) =>
        new(
            new NatsOpts
            {
                Url = url,
                MaxReconnectRetry = -1,
                RetryOnInitialConnect = true,
                ReconnectWaitMax = TimeSpan.FromMilliseconds(500),
                ReconnectJitter = TimeSpan.FromMilliseconds(50),
            });

    /// <summary>Waits until so many deliveries were made.</summary>
    public Task UntilDeliveredAsync(int count, CancellationToken cancellationToken, TimeSpan? deadline = null) =>
        Readiness.UntilAsync(
            _ => Task.FromResult(History.All.Count >= count), $"{count} deliveries", cancellationToken, () =>
                $"{History.All.Count} came\n{Log}", deadline);

    /// <summary>A source named as its connection, over the JetStream stream of its name in capitals.</summary>
    public static JetStreamSourceOptions Source(string name)
    {
        var source = new JetStreamSourceOptions
        {
            Name = name,
            ConnectionKey = name,
            JetStream = StreamOf(name),
            DecoderKey = "test",
            Create = new JetStreamCreation(),
        };
        source.Create.Subjects.Add(SubjectsOf(name));
        return source;
    }

    public static string StreamOf(string source) => source.ToUpperInvariant();

    public static string SubjectsOf(string source) => $"{source}.>";

    /// <summary>Makes the source's JetStream stream before a silo does.</summary>
    public static async Task MakeStreamAsync(
        NatsConnection connection, string source, CancellationToken cancellationToken, int replicas = 1) =>
        await new NatsJSContext(connection).CreateStreamAsync(
            new StreamConfig(StreamOf(source), [SubjectsOf(source)]) { NumReplicas = replicas }, cancellationToken);

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();
}

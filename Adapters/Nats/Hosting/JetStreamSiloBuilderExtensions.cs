using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Providers;
using Orleans.Streams;

namespace Orleans.Hosting;

/// <summary>Adds stream providers over NATS JetStream.</summary>
public static class JetStreamSiloBuilderExtensions
{
    // Only while a stream is being looked up does the agent come back by its timer; else it waits for messages.
    private static readonly TimeSpan AgentPeriod = TimeSpan.FromMilliseconds(10);

    /// <summary>Adds a stream provider over NATS JetStream, with implicit subscriptions.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The provider's name.</param>
    /// <param name="configure">Its options.</param>
    /// <param name="configureStreams">Orleans' own settings of the provider: the queue balancer, the pulling agents. Optional.</param>
    public static ISiloBuilder AddJetStreamStreams(
        this ISiloBuilder builder,
        string name,
        Action<JetStreamStreamOptions> configure,
        Action<ISiloPersistentStreamConfigurator>? configureStreams = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddParts(builder.Services, name, configure);
        var streams = new SiloPersistentStreamConfigurator(
            name, configureServices => builder.ConfigureServices(configureServices), JetStreamAdapterFactory.Create);
        streams.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly);
        streams.ConfigurePullingAgent(agent => agent.Configure<IOptionsMonitor<JetStreamStreamOptions>>((pulling, options) =>
        {
            pulling.GetQueueMsgsTimerPeriod = AgentPeriod;
            pulling.BatchContainerBatchSize = 1;
            pulling.MaxEventDeliveryTime = options.Get(name).DeliveryRetryTime;
        }));
        streams.ConfigureBackoffProvider((services, _) => (IMessageDeliveryBackoffProvider)new DeliveryBackoff(
            services.GetRequiredService<IOptionsMonitor<JetStreamStreamOptions>>().Get(name).DeliveryAttemptsMax));
        configureStreams?.Invoke(streams);
        return builder;
    }

    /// <summary>
    /// Adds a stream provider over NATS JetStream to a client, which publishes only: <c>Events</c> must be set, sources are
    /// ignored.
    /// </summary>
    /// <param name="builder">The client.</param>
    /// <param name="name">The provider's name, the same as in the silos.</param>
    /// <param name="configure">Its options, as in the silos.</param>
    public static IClientBuilder AddJetStreamStreams(this IClientBuilder builder, string name, Action<JetStreamStreamOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddParts(builder.Services, name, configure);
        var streams = new ClusterClientPersistentStreamConfigurator(name, builder, JetStreamAdapterFactory.Create);
        streams.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly);
        return builder;
    }

    private static void AddParts(IServiceCollection services, string name, Action<JetStreamStreamOptions> configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        services.AddOptions<JetStreamStreamOptions>(name).Configure(configure).ValidateOnStart();
        services.AddSingleton<IValidateOptions<JetStreamStreamOptions>>(new JetStreamStreamOptionsValidator(name));
        services.TryAddSingleton<TrialLock>();
        services.AddKeyedSingleton(name, (provider, _) => new ProviderParts(provider, name));
        services.AddKeyedSingleton(name, (_, _) => new QueueMetrics(name));
        services.AddKeyedSingleton(name, (provider, _) => new JetStreamStreamsHealth(provider.GetRequiredKeyedService<QueueMetrics>(name)));
        services.AddKeyedSingleton(name, (provider, _) => new JetStreamDeadLetters(provider.GetRequiredKeyedService<ProviderParts>(name)));
        services.AddKeyedSingleton(name, (provider, _) => new JetStreamPositions(provider.GetRequiredKeyedService<ProviderParts>(name)));
    }
}

using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
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
        ArgumentException.ThrowIfNullOrEmpty(name);
        builder.Services.AddOptions<JetStreamStreamOptions>(name).Configure(configure).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<JetStreamStreamOptions>>(new JetStreamStreamOptionsValidator(name));

        var streams = new SiloPersistentStreamConfigurator(
            name, configureServices => builder.ConfigureServices(configureServices), JetStreamAdapterFactory.Create);
        streams.ConfigureStreamPubSub(StreamPubSubType.ImplicitOnly);
        streams.ConfigurePullingAgent(agent => agent.Configure<IOptionsMonitor<JetStreamStreamOptions>>((pulling, options) =>
        {
            pulling.GetQueueMsgsTimerPeriod = AgentPeriod;
            pulling.BatchContainerBatchSize = 1;
            pulling.MaxEventDeliveryTime = options.Get(name).DeliveryRetryTime;
        }));
        configureStreams?.Invoke(streams);
        return builder;
    }
}

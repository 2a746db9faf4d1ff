using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>Puts a provider together from its options.</summary>
internal sealed class JetStreamAdapterFactory : IQueueAdapterFactory, IQueueAdapterCache
{
    private readonly string _name;
    private readonly IServiceProvider _services;
    private readonly JetStreamStreamOptions _options;
    private readonly ProviderNames _names;
    private readonly QueueMapper _queues;
    private readonly Dictionary<QueueId, JetStreamReceiver> _receivers = [];

    private JetStreamAdapterFactory(IServiceProvider services, string name)
    {
        _name = name;
        _services = services;
        _options = services.GetRequiredService<IOptionsMonitor<JetStreamStreamOptions>>().Get(name);
        _names = new ProviderNames(services.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId, name);
        _queues = new QueueMapper(name, [.. _options.Sources.Select(Define)]);
    }

    public static IQueueAdapterFactory Create(IServiceProvider services, string name) => new JetStreamAdapterFactory(services, name);

    public Task<IQueueAdapter> CreateAdapter() =>
        Task.FromResult<IQueueAdapter>(new JetStreamAdapter(_name, isRewindable: _options.Sources.Count <= 1, ReceiverOf));

    public IQueueAdapterCache GetQueueAdapterCache() => this;

    public IStreamQueueMapper GetStreamQueueMapper() => _queues;

    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new NoOpStreamDeliveryFailureHandler());

    // The agent asks for the cache first and for the receiver next; both are halves of one.
    public IQueueCache CreateQueueCache(QueueId queueId)
    {
        lock (_receivers)
        {
            return (_receivers[queueId] = MakeReceiver(queueId)).Cache;
        }
    }

    private JetStreamReceiver ReceiverOf(QueueId queueId)
    {
        lock (_receivers)
        {
            return _receivers[queueId];
        }
    }

    private JetStreamReceiver MakeReceiver(QueueId queueId)
    {
        var queue = _queues[queueId];
        var register = new StateRegister(queue.JetStream, _names, _options.Replicas);
        var owner = _services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString();
        var ownership = new QueueOwnership(queue, _names, register, _options, owner);
        var logger = _services.GetRequiredService<ILoggerFactory>().CreateLogger($"{typeof(JetStreamReceiver).FullName}.{_name}");
        return new JetStreamReceiver(queue, ownership, _options, _services.GetService<TimeProvider>() ?? TimeProvider.System, logger);
    }

    private QueueDefinition Define(JetStreamSourceOptions source)
    {
        var decoder = _services.GetKeyedService<IJetStreamDecoder>(source.DecoderKey)
            ?? throw new OrleansConfigurationException(
                $"The source '{source.Name}' of the stream provider '{_name}' names the decoder '{source.DecoderKey}'. "
                + "Register it: services.AddKeyedSingleton<IJetStreamDecoder, …>(key).");
        return new QueueDefinition(
            source.Name,
            new NatsJSContext(ConnectionOf(source.ConnectionKey ?? _options.ConnectionKey)),
            source.JetStream,
            [.. source.Subjects],
            source.Create,
            source.Start,
            new SourceReader(decoder, [.. source.Subjects], _options.Namespace, _options.Partitions));
    }

    private INatsConnection ConnectionOf(string? key) =>
        (key is null ? _services.GetService<INatsConnection>() : _services.GetKeyedService<INatsConnection>(key))
        ?? throw new OrleansConfigurationException(
            $"The stream provider '{_name}' needs an INatsConnection {(key is null ? "without a key" : $"with the key '{key}'")}, and none is registered.");
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>Makes a provider's adapter, caches and receivers.</summary>
internal sealed partial class JetStreamAdapterFactory : IQueueAdapterFactory, IQueueAdapterCache
{
    private readonly ProviderParts _parts;
    private readonly QueueMetrics _metrics;
    private readonly QueueOwner? _silo;
    private readonly ILogger _logger;
    private readonly Lazy<QueueMapper> _queues;
    private readonly Lock _lock = new();
    private readonly Dictionary<QueueId, JetStreamReceiver> _receivers = [];

    private JetStreamAdapterFactory(IServiceProvider services, string name)
    {
        _parts = services.GetRequiredKeyedService<ProviderParts>(name);
        _metrics = services.GetRequiredKeyedService<QueueMetrics>(name);
        _silo = services.GetService<ILocalSiloDetails>() is { } silo
            ? QueueOwner.Of(silo, services.GetRequiredService<ISiloStatusOracle>())
            : null;
        _logger = services.GetRequiredService<ILoggerFactory>().CreateLogger($"{typeof(JetStreamReceiver).FullName}.{name}");
        _queues = new Lazy<QueueMapper>(() => new QueueMapper(name, _silo is null ? [] : _parts.Queues));
    }

    public static IQueueAdapterFactory Create(IServiceProvider services, string name) => new JetStreamAdapterFactory(services, name);

    public Task<IQueueAdapter> CreateAdapter() => CreateAdapter(CancellationToken.None);

    /// <summary>Checks what only the servers know. What is wrong for good stops the silo; a server that is away does not.</summary>
    /// <exception cref="OrleansConfigurationException">A server has no JetStream, or its streams have another number of
    /// partitions.</exception>
    public async Task<IQueueAdapter> CreateAdapter(CancellationToken cancellationToken)
    {
        var publisher = _parts.MakePublisher();
        if (_silo is not null)
        {
            foreach (var jetStream in _parts.Queues.Select(queue => queue.JetStream).DistinctBy(context => context.Connection))
            {
                await CheckAsync(jetStream, cancellationToken);
            }
        }

        return new JetStreamAdapter(_parts.Provider, isRewindable: _parts.Options.Sources.Count == 0, publisher, ReceiverOf);
    }

    public IQueueAdapterCache GetQueueAdapterCache() => this;

    public IStreamQueueMapper GetStreamQueueMapper() => _queues.Value;

    // What fails its consumer becomes a dead letter by its cursor, which knows the message; here only its token would come.
    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new NoOpStreamDeliveryFailureHandler());

    // The agent asks for the cache first and for the receiver next; both are halves of one.
    public IQueueCache CreateQueueCache(QueueId queueId)
    {
        var queue = _queues.Value[queueId];
        var register = new StateRegister(queue.JetStream, _parts.Names, _parts.Options.Replicas);
        var ownership = new QueueOwnership(queue, _parts.Provider, _parts.Names, register, _parts.Options, _silo!, _parts.Time);
        var receiver = new JetStreamReceiver(queue, ownership, _parts, _metrics, _logger);
        lock (_lock)
        {
            _receivers[queueId] = receiver;
        }

        return receiver.Cache;
    }

    private JetStreamReceiver ReceiverOf(QueueId queueId)
    {
        lock (_lock)
        {
            return _receivers[queueId];
        }
    }

    private async Task CheckAsync(NatsJSContext jetStream, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_parts.Options.StartTimeout);
        try
        {
            await jetStream.Connection.ConnectAsync().AsTask().WaitAsync(limit.Token);
            if (jetStream.Connection.ServerInfo is { JetStreamAvailable: false })
            {
                throw new OrleansConfigurationException(
                    $"The stream provider '{_parts.Provider}' needs JetStream, and the nats-server at {jetStream.Connection.Opts.Url} "
                    + "does not have it enabled.");
            }

            var register = new StateRegister(jetStream, _parts.Names, _parts.Options.Replicas);
            await PartitionRecord.VerifyAsync(register, _parts.Provider, _parts.Options.Partitions, _parts.Names, limit.Token);
        }
        catch (PartitionMismatchException mismatch)
        {
            throw new OrleansConfigurationException(mismatch.Message, mismatch);
        }
        catch (Exception away) when (
            away is NatsException or OperationCanceledException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            LogAway(_parts.Provider, jetStream.Connection.Opts.Url, away.Message);
        }
    }

    [LoggerMessage(
        LogLevel.Warning, "Stream provider {Provider} starts without its nats-server at {Url}, and reads when it is there: {Reason}")]
    private partial void LogAway(string provider, string url, string reason);
}

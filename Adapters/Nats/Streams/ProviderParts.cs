using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Serialization.TypeSystem;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a provider is made of, found by its options and the services that they name.</summary>
internal sealed class ProviderParts
{
    private readonly IServiceProvider _services;
    private readonly Lazy<IReadOnlyList<QueueDefinition>> _queues;

    public ProviderParts(IServiceProvider services, string provider)
    {
        _services = services;
        Provider = provider;
        Options = services.GetRequiredService<IOptionsMonitor<JetStreamStreamOptions>>().Get(provider);
        Names = new ProviderNames(services.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId, provider);
        Time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        Trials = services.GetRequiredService<TrialLock>();
        _queues = new Lazy<IReadOnlyList<QueueDefinition>>(() => [.. Options.Sources.Select(Define), .. DefineEvents()]);
    }

    public string Provider { get; }

    public JetStreamStreamOptions Options { get; }

    public ProviderNames Names { get; }

    public TimeProvider Time { get; }

    public TrialLock Trials { get; }

    /// <summary>The queues that are read. Only a silo reads: a client need not have the decoders.</summary>
    public IReadOnlyList<QueueDefinition> Queues => _queues.Value;

    /// <summary>What typed events are published by; null when the provider only reads.</summary>
    public EventPublisher? MakePublisher() =>
        Options.Events is null ? null : new EventPublisher(JetStreamOf(Options.ConnectionKey), Names, Options, MakeBodies(), Time);

    /// <summary>On what subject each stream's events are in a queue; null for a source, whose subjects do not say.</summary>
    public Func<StreamId, string>? SubjectsOf(QueueDefinition queue) =>
        queue.Reader is EventReader
            ? stream => Names.EventSubject(EventPublisher.PartitionOf(stream, Options.Partitions), stream.Namespace.Span, stream.Key.Span)
            : null;

    private QueueDefinition Define(JetStreamSourceOptions source)
    {
        var decoder = _services.GetKeyedService<IJetStreamDecoder>(source.DecoderKey)
            ?? throw new OrleansConfigurationException(
                $"The source '{source.Name}' of the stream provider '{Provider}' names the decoder '{source.DecoderKey}'. "
                + "Register it: services.AddKeyedSingleton<IJetStreamDecoder, …>(key).");
        string[] subjects = [.. source.Subjects];
        return new QueueDefinition(
            source.Name,
            JetStreamOf(source.ConnectionKey ?? Options.ConnectionKey),
            source.JetStream,
            subjects,
            source.Create is null ? null : JetStreamDescription.Of(source.JetStream, source.Create),
            source.Start,
            new SourceReader(decoder, subjects, Options.Namespace, Options.Partitions));
    }

    private IEnumerable<QueueDefinition> DefineEvents()
    {
        if (Options.Events is null)
        {
            yield break;
        }

        var jetStream = JetStreamOf(Options.ConnectionKey);
        var reader = new EventReader(MakeBodies());
        for (var partition = 0; partition < Options.Partitions; partition++)
        {
            yield return new QueueDefinition(
                $"{JetStreamEventsOptions.QueuePrefix}{partition}",
                jetStream,
                Names.EventsJetStream,
                [Names.EventsSubjects(partition)],
                ProviderStreams.Events(Names, Options),
                JetStreamStart.Oldest,
                reader);
        }
    }

    private EventBodySerializer MakeBodies() =>
        new(_services.GetRequiredService<Serializer<EventBody>>(), _services.GetRequiredService<TypeConverter>());

    private NatsJSContext JetStreamOf(string? key) => new(
        (key is null ? _services.GetService<INatsConnection>() : _services.GetKeyedService<INatsConnection>(key))
        ?? throw new OrleansConfigurationException(
            $"The stream provider '{Provider}' needs an INatsConnection {(key is null ? "without a key" : $"with the key '{key}'")}, "
            + "and none is registered."));
}

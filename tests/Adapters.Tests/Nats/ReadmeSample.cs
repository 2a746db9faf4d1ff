using System.Text.Json;
using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>The samples of the package's README, word for word: <see cref="ReadmeTests"/> compares and runs them.</summary>
internal static class ReadmeSample
{
    public static void ConfigureSilo(ISiloBuilder silo, string natsUrl)
    {
        // RetryOnInitialConnect and MaxReconnectRetry = -1: the silo outlives its servers.
        silo.Services.AddKeyedSingleton<INatsConnection>("plant", (_, _) => new NatsConnection(
            new NatsOpts { Url = natsUrl, RetryOnInitialConnect = true, MaxReconnectRetry = -1 }));
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, DoorDecoder>("doors");

        silo.AddJetStreamStreams("plant", options =>
        {
            options.ConnectionKey = "plant";    // the INatsConnection; each source may have one of its own
            options.Namespace = "doors";        // streams ("doors", "0") … ("doors", "15")
            options.Partitions = 16;
            options.Sources.Add(new JetStreamSourceOptions
            {
                Name = "north-wing",            // JetStreamMessage.Source
                JetStream = "DOORS",            // the same name on two servers is no conflict
                Subjects = { "doors.>" },
                DecoderKey = "doors",
                Create = new JetStreamCreation  // null: wait until somebody else makes it
                {
                    Subjects = { "doors.>" },
                    MaxAge = TimeSpan.FromHours(24),
                },
            });
        });

        silo.AddJetStreamStreams("audit", options =>
        {
            options.ConnectionKey = "plant";
            options.Events = new JetStreamEventsOptions { Body = JetStreamEventBody.Json };
        });
    }

    public static void ConfigureClient(IClientBuilder client, string natsUrl)
    {
        client.Services.AddKeyedSingleton<INatsConnection>("plant", (_, _) => new NatsConnection(new NatsOpts { Url = natsUrl }));
        client.AddJetStreamStreams("audit", options =>     // publishes only
        {
            options.ConnectionKey = "plant";
            options.Events = new JetStreamEventsOptions { Body = JetStreamEventBody.Json };
        });
    }

    public static async Task PublishAsync(IClusterClient client)
    {
        var visits = client.GetStreamProvider("audit").GetStream<Visit>(StreamId.Create("visits", "any key: dots . stars * Ω"));
        await visits.OnNextAsync(new Visit("Ada"));
    }
}

internal sealed class DoorDecoder : IJetStreamDecoder
{
    // {"door":"hall","open":true}
    public DecodedMessage Decode(in JetStreamMessage message)
    {
        try
        {
            var read = JsonSerializer.Deserialize<DoorMessage>(message.Payload.Span, JsonSerializerOptions.Web);
            return read?.Door is { Length: > 0 } door
                ? DecodedMessage.Event(door, new DoorEvent(door, read.Open, message.Sequence))
                : DecodedMessage.Ignore;
        }
        catch (JsonException fault)
        {
            return DecodedMessage.Poison(fault.Message);
        }
    }
}

internal sealed record DoorMessage(string? Door, bool Open);

[GenerateSerializer, Immutable, Alias("DoorEvent")]
internal sealed record DoorEvent([property: Id(0)] string Door, [property: Id(1)] bool Open, [property: Id(2)] ulong Sequence);

[Alias("IDoorsGrain")]
internal interface IDoorsGrain : IGrainWithStringKey;

[ImplicitStreamSubscription("doors")]
internal sealed class DoorsGrain(Porter porter) : Grain, IDoorsGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<DoorEvent>
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => handleFactory.Create<DoorEvent>().ResumeAsync(this);

    // The batch is acknowledged when this returns. If it throws, the batch comes again.
    public Task OnNextAsync(IList<SequentialItem<DoorEvent>> items) => porter.HearAsync(items.Select(item => item.Item));

    // JetStreamDataLostException: events are gone that were never delivered.
    public Task OnErrorAsync(Exception ex) => porter.HearAsync(ex);
}

[GenerateSerializer, Immutable, Alias("Visit")]
internal sealed record Visit([property: Id(0)] string Guest);

[Alias("IVisitsGrain")]
internal interface IVisitsGrain : IGrainWithStringKey;

/// <summary>Takes the events that are published, one grain for each key.</summary>
[ImplicitStreamSubscription("visits")]
internal sealed class VisitsGrain(Porter porter) : Grain, IVisitsGrain, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Visit>().ResumeAsync((visit, _) => porter.HearAsync($"{this.GetPrimaryKeyString()}: {visit.Guest}"));
}

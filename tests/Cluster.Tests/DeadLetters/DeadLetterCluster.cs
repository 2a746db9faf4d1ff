using System.Net;
using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.DeadLetters;

/// <summary>A silo that reads a source of a real nats-server and understands nothing in it, and the API beside it.</summary>
public sealed class DeadLetterCluster : IAsyncLifetime
{
    public const string Source = "eu-1";
    private const string Subject = "events.x";

    private NatsServer _server = null!;
    private InProcessTestCluster _silos = null!;

    /// <summary>The reason that everything dies of.</summary>
    public const string Reason = "nobody understands it";

    public NatsServer Server => _server;

    internal ApiHost Api { get; private set; } = null!;

    public NatsConnection Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, CancellationToken.None);
        Connection = new NatsConnection(Options);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddKeyedSingleton<IJetStreamDecoder, NoDecoder>("none");
            silo.Services.AddSingleton<INatsConnection>(_ => new NatsConnection(Options));
            silo.AddJetStreamStreams(FleetStreams.Provider, streams => streams.Sources.Add(new JetStreamSourceOptions
            {
                Name = Source,
                JetStream = "EVENTS",
                DecoderKey = "none",
                Create = new JetStreamCreation { Subjects = { "events.>" } },
            }));
        });
        _silos = builder.Build();
        await _silos.DeployAsync();
        var letters = _silos.Silos[0].ServiceProvider.GetRequiredKeyedService<JetStreamDeadLetters>(FleetStreams.Provider);
        Api = await ApiHost.StartAsync(services => services.AddKeyedSingleton(FleetStreams.Provider, letters));
    }

    /// <summary>Publishes a message and waits until it is a dead letter; its id.</summary>
    public async Task<ulong> DieAsync(string body, CancellationToken cancellationToken)
    {
        var jetStream = new NatsJSContext(Connection);
        await Readiness.UntilAsync(_ => StoreAsync(jetStream, body), "the stream", cancellationToken);
        ulong id = 0;
        await Readiness.UntilAsync(
            async _ => (id = await FindAsync(body)) > 0, $"'{body}' among the dead letters", cancellationToken);
        return id;
    }

    /// <summary>The newest dead letter with that payload; 0 when there is none, or the broker does not answer.</summary>
    public async Task<ulong> FindAsync(string body)
    {
        ulong found = 0;
        using var answer = await Api.GetAsync($"/v1/deadletters/{Source}?limit=1000");
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            return 0;
        }

        var page = await answer.JsonAsync();
        foreach (var letter in page.GetProperty("letters").EnumerateArray())
        {
            var id = letter.GetProperty("id").GetUInt64();
            var content = await (await Api.GetAsync($"/v1/deadletters/{Source}/{id}")).JsonAsync();
            if (content.TryGetProperty("payload", out var payload) && Encoding.UTF8.GetString(payload.GetBytesFromBase64()) == body)
            {
                found = id;
            }
        }

        return found;
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await _silos.DisposeAsync();
        await Connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    private NatsOpts Options => new() { Url = _server.Url, RequestTimeout = TimeSpan.FromSeconds(8) };

    // The silo makes the stream when it takes the queue, which may be a moment from now; a busy broker answers late.
    private static async Task<bool> StoreAsync(NatsJSContext jetStream, string body)
    {
        try
        {
            var ack = await jetStream.PublishAsync(
                Subject,
                Encoding.UTF8.GetBytes(body),
                NatsRawSerializer<byte[]>.Default,
                headers: new NatsHeaders { ["Origin"] = "test" },
                cancellationToken: TestContext.Current.CancellationToken);
            return ack.Error is null;
        }
        catch (NatsException)
        {
            return false;
        }
    }

    private sealed class NoDecoder : IJetStreamDecoder
    {
        public DecodedMessage Decode(in JetStreamMessage message) => DecodedMessage.Poison(Reason);
    }
}

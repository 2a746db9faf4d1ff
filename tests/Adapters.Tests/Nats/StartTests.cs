using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using Orleans.Hosting;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What is wrong for good stops the silo, with a sentence that says what to do.</summary>
public sealed class StartTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Defect 1.2.3: two partition counts that nothing compares.
    [Fact]
    public async Task Silo_DoesNotStart_WhenThePartitionsAreNotThoseOfTheStreams()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using (await StreamCluster.StartAsync(1, [("src", server.Url)], options => options.Partitions = 8, serviceId: "cut"))
        {
        }

        var fault = await Assert.ThrowsAnyAsync<Exception>(
            () => StreamCluster.StartAsync(1, [("src", server.Url)], options => options.Partitions = 16, serviceId: "cut"));
        Assert.Contains(
            "configured with 16 partitions, but its streams were made with 8. Set Partitions back to 8",
            fault.ToString(),
            StringComparison.Ordinal);
    }

    // Defect 1.2.4: without JetStream the provider logged it and went on, broken.
    [Fact]
    public async Task Silo_DoesNotStart_WhenTheServerHasNoJetStream()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = false }, Cancelled);
        var fault = await Assert.ThrowsAnyAsync<Exception>(() => StreamCluster.StartAsync(1, [("src", server.Url)]));
        Assert.Contains("does not have it enabled", fault.ToString(), StringComparison.Ordinal);
    }

    /// <summary>As Choria's broker does with its own, up to a minute after its first start.</summary>
    [Fact]
    public async Task Silo_WaitsForAStreamThatTheBrokerMakesLate_SaysSoOnce_AndReadsAllOfIt()
    {
        const int Messages = 50;
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await using var cluster = await StreamCluster.StartAsync(
            1, [("src", server.Url)], options => options.Sources[0].Create = null);
        await Readiness.UntilAsync(_ => Task.FromResult(WaitsForIt(cluster.Queues[0].NotReady)), "the wait", Cancelled);

        // Several tries pass: the first waits for a fraction of a second.
        var before = await FigureAsync(server, "in_msgs");
        await Readiness.UntilAsync(async _ => await FigureAsync(server, "in_msgs") > before + 10, "more tries", Cancelled);
        Assert.Single(cluster.Log.Lines, WaitsForIt);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await Publisher.PublishAllAsync(connection, "src", ["node1.example.net"], 0, Messages, Cancelled);

        await cluster.UntilDeliveredAsync(Messages, Cancelled);
        Assert.Empty(cluster.History.Faults([("src", "node1.example.net")], Messages));

        static bool WaitsForIt(string? text) => text?.Contains("waits for the JetStream stream SRC", StringComparison.Ordinal) == true;
    }

    // Defect 1.2.13: no registration from configuration.
    [Fact]
    public void Provider_IsSetUp_FromConfigurationAlone()
    {
        var host = Host.CreateApplicationBuilder();
        host.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Orleans:Streaming:audit:ProviderType"] = "JetStream",
            ["Orleans:Streaming:audit:ServiceKey"] = "nats",
            ["Orleans:Streaming:audit:Partitions"] = "4",
            ["Orleans:Streaming:audit:Events:MaxAge"] = "02:00:00",
            ["Orleans:Streaming:audit:Sources:0:Name"] = "lifecycle",
            ["Orleans:Streaming:audit:Sources:0:JetStream"] = "CHORIA_EVENTS",
            ["Orleans:Streaming:audit:Sources:0:Subjects:0"] = "choria.lifecycle.>",
            ["Orleans:Streaming:audit:Sources:0:DecoderKey"] = "test",
        });
        host.UseOrleans(silo => silo.UseLocalhostClustering());
        using var built = host.Build();
        var options = built.Services.GetRequiredService<IOptionsMonitor<JetStreamStreamOptions>>().Get("audit");

        Assert.Equal("nats", options.ConnectionKey);
        Assert.Equal(4, options.Partitions);
        Assert.Equal(TimeSpan.FromHours(2), options.Events!.MaxAge);
        Assert.Equal("choria.lifecycle.>", Assert.Single(Assert.Single(options.Sources).Subjects));
        Assert.NotNull(built.Services.GetKeyedService<Orleans.Streams.IStreamProvider>("audit"));
    }

    [Fact]
    public void Client_IsSetUp_FromConfigurationAlone()
    {
        var host = Host.CreateApplicationBuilder();
        host.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Orleans:Streaming:audit:ProviderType"] = "JetStream",
            ["Orleans:Streaming:audit:ServiceKey"] = "nats",
            ["Orleans:Streaming:audit:Events:Body"] = "Json",
        });
        host.Services.AddKeyedSingleton<INatsConnection>("nats", (_, _) => new NatsConnection());
        host.UseOrleansClient(client => client.UseLocalhostClustering());
        using var built = host.Build();

        Assert.NotNull(built.Services.GetKeyedService<Orleans.Streams.IStreamProvider>("audit"));
        var options = built.Services.GetRequiredService<IOptionsMonitor<JetStreamStreamOptions>>().Get("audit");
        Assert.Equal(("nats", JetStreamEventBody.Json), (options.ConnectionKey, options.Events!.Body));
    }

    [Fact]
    public void Options_AreRefusedWithAllFaultsAtOnce_WhenSeveralAreWrong()
    {
        var options = new JetStreamStreamOptions { Partitions = 0, Namespace = " ", WindowMessagesMax = 1 };
        options.Sources.Add(new JetStreamSourceOptions { Name = "a", JetStream = "with.dot", DecoderKey = "", Subjects = { "a..b" } });
        options.Sources.Add(
            new JetStreamSourceOptions
            {
                Name = "a",
                JetStream = "OK",
                DecoderKey = "d",
                Create = new JetStreamCreation { MaxAge = TimeSpan.Zero },
            });
        options.Sources.Add(
            new JetStreamSourceOptions
            {
                Name = "b",
                JetStream = "WIDE",
                DecoderKey = "d",
                Create = new JetStreamCreation { Subjects = { "*.broadcast.agent.registration", "$JS.EVENT.>" } },
            });
        var faults = new JetStreamStreamOptionsValidator("p").Validate("p", options).FailureMessage!;

        string[] expected =
        [
            "Partitions", "Namespace", "WindowMessagesMax", "'a' is given 2 times", "with.dot", "DecoderKey", "'a..b' is not a subject",
            "MaxAge", "at least one subject",
            "'*.broadcast.agent.registration' must begin with a word", "'$JS.EVENT.>' must begin with a word",
        ];
        Assert.All(expected, fault => Assert.Contains(fault, faults, StringComparison.Ordinal));
    }

    // Defect 1.2.11: empty fetches all day.
    [Fact]
    public async Task Server_IsHardlyAsked_WhenNothingHappens()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var cluster = await StreamCluster.StartTypedAsync(1, server.Url, options => options.Partitions = 16);
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Queues.Count == 16 && cluster.Queues.All(queue => queue.NotReady is null)),
            "16 queues",
            Cancelled,
            () => cluster.Log.ToString());
        var before = await FigureAsync(server, "in_msgs");
        await Task.Delay(3000, Cancelled);
        Assert.InRange(await FigureAsync(server, "in_msgs") - before, 0, 40);

        // Defect 1.2.10: nine connections for each provider in each process. Here: the silo's one, and the client's.
        Assert.InRange(await FigureAsync(server, "connections"), 1, 2);
    }

    [Fact]
    public async Task Queue_IsReadAgain_WhenItIsMovedToAnInstant()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var connection = StreamCluster.Connect(server.Url);
        await StreamCluster.MakeStreamAsync(connection, "src", Cancelled);
        await using var cluster = await StreamCluster.StartAsync(1, [("src", server.Url)]);
        await Publisher.PublishAllAsync(connection, "src", ["a"], 0, 10, Cancelled);
        await cluster.UntilDeliveredAsync(10, Cancelled);
        await Task.Delay(50, Cancelled);
        var instant = TimeProvider.System.GetUtcNow();
        await Publisher.PublishAllAsync(connection, "src", ["a"], 10, 10, Cancelled);
        await cluster.UntilDeliveredAsync(20, Cancelled);

        var sequence = await cluster.Positions.SequenceAtAsync("src", instant, Cancelled);
        Assert.Equal(11ul, sequence);
        Assert.Null(await cluster.Positions.MoveAsync("src", sequence, Cancelled));
        await cluster.UntilDeliveredAsync(30, Cancelled);
        Assert.Null(await cluster.Positions.MoveAsync("src", 0, Cancelled));
        await cluster.UntilDeliveredAsync(50, Cancelled);
        Assert.Equal(
            [.. Enumerable.Range(0, 20), .. Enumerable.Range(10, 10), .. Enumerable.Range(0, 20)],
            cluster.History.All.Select(one => one.Event.Number));
    }

    private static async Task<long> FigureAsync(NatsServer server, string name)
    {
        using var http = new HttpClient();
        using var varz = System.Text.Json.JsonDocument.Parse(
            await http.GetStringAsync(new Uri($"http://127.0.0.1:{server.MonitorPort}/varz"), Cancelled));
        return varz.RootElement.GetProperty(name).GetInt64();
    }
}

using System.Net;
using ControlPlane.Adapters.Nats;
using ControlPlane.StreamHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using Orleans.Configuration;
using Orleans.Hosting;
using StackExchange.Redis;

// A silo as a process of its own, for tests that kill one: it reads JetStream streams and writes down what its grains are given.
if (args is not [var port, var redis, var nats, var file, .. var streams])
{
    await Console.Error.WriteLineAsync("stream-host PORT REDIS NATS HISTORY-FILE STREAM...");
    return 2;
}

var host = Host.CreateApplicationBuilder();
host.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("ControlPlane", LogLevel.Information);
host.Services.AddSingleton(new HistoryFile(file));
host.Services.AddKeyedSingleton<IJetStreamDecoder, TextDecoder>("text");
host.Services.AddSingleton<INatsConnection>(_ => new NatsConnection(new NatsOpts { Url = nats, MaxReconnectRetry = -1 }));
host.UseOrleans(silo =>
{
    silo.UseRedisClustering(clustering => clustering.ConfigurationOptions = ConfigurationOptions.Parse(redis));
    silo.ConfigureEndpoints(IPAddress.Loopback, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture), gatewayPort: 0);
    silo.Configure<ClusterMembershipOptions>(membership =>
    {
        // Six seconds: on a busy machine a silo that lives was given up after two, and ended in the middle of its work.
        membership.ProbeTimeout = TimeSpan.FromSeconds(2);
        membership.NumMissedProbesLimit = 3;
        membership.NumVotesForDeathDeclaration = 1;
    });
    silo.AddJetStreamStreams("host", options =>
    {
        options.Namespace = RecordingGrain.Namespace;
        options.Partitions = 12;
        options.CrashAttemptsMax = 2;

        // Only deaths make a dead letter here: on a busy machine a call may fail for longer than the default allows.
        options.DeliveryAttemptsMax = 1000;
        options.DeliveryRetryTime = TimeSpan.FromMinutes(10);
        foreach (var stream in streams)
        {
            options.Sources.Add(new JetStreamSourceOptions { Name = stream, JetStream = stream, DecoderKey = "text" });
        }
    });
});
using var built = host.Build();
await built.StartAsync();
await Console.Out.WriteLineAsync("ready");
await built.WaitForShutdownAsync();
return 0;

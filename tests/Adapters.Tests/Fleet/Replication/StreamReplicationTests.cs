using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Replication;
using ControlPlane.Replication;
using ControlPlane.Store;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Fleet.Replication;

/// <summary>A link between brokers that are there, and brokers that are not.</summary>
public sealed class StreamReplicationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Nobody else measures it meanwhile, and it is when a gap comes near.
    [Fact]
    public async Task WhatWaits_IsMeasured_WhileTheTargetIsAway_AndCopiedOnceItIsThere()
    {
        await using var broker = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Token);
        await using var connection = new NatsConnection(new NatsOpts { Url = broker.Url });
        var stream = new NatsJSContext(connection);
        await stream.CreateStreamAsync(new StreamConfig("EVENTS", ["events.>"]) { MaxMsgs = 20 }, Token);
        for (var number = 0; number < 5; number++)
        {
            (await stream.PublishAsync("events.a", "x"u8.ToArray(), cancellationToken: Token)).EnsureSuccess();
        }

        var (kept, estimates, reports) = ("", new List<ReplicationProgress>(), new List<ReplicationProgress>());
        var observer = new ReplicationObserver(
            checkpoint =>
            {
                kept = checkpoint;
                return Task.CompletedTask;
            },
            reports.Add,
            estimates.Add);
        await using var parts = new FleetParts(overlay: broker.Url);

        var away = Replication(parts, $"nats://127.0.0.1:{LoopbackPort.Free()}");
        var fault = await Assert.ThrowsAsync<StoreUnavailableException>(() => away.CopyAsync("tested", null, observer, Token));
        Assert.Contains("replication of tested, target", fault.Message, StringComparison.Ordinal);
        Assert.Equal(5, Assert.Single(estimates).Pending);
        Assert.Equal(0.75, estimates[0].RetentionLeft, 3);
        Assert.Empty(reports);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var there = Replication(parts, broker.Url);
        var copying = there.CopyAsync("tested", null, observer, ending.Token);
        await Readiness.UntilAsync(
            _ => Task.FromResult(copying.IsCompleted || reports is [.., { Pending: 0, Copied: 5 }]), "the copies", Token);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying);
        Assert.NotEmpty(kept);
        var verified = await there.VerifyAsync("tested", 100, Token);
        Assert.Equal((5, 5), (verified.Originals, verified.Copies));
        Assert.Empty(verified.Differences);
    }

    private static StreamReplication Replication(FleetParts parts, string target) => new(
        Options.Create(new ReplicationOptions
        {
            Links =
            {
                ["tested"] = new ReplicationLinkOptions
                {
                    SourceStream = "EVENTS",
                    TargetStream = "COPY",
                    Target = new BrokerLoginOptions { Urls = [target], Tls = false },
                },
            },
        }),
        parts.Fleet,
        parts.Overlays,
        TimeProvider.System,
        NullLoggerFactory.Instance);
}

using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet.Brokers;

public sealed class ClientLogTests : IDisposable
{
    private readonly KeptLog kept = new();

    public void Dispose() => kept.Dispose();

    // A silo asks another site by a request for each decision, and each request subscribes and unsubscribes.
    [Fact]
    public void WhatTheClientSaysOfASubscription_IsThereAtDebug()
    {
        Log(LogLevel.Information, NatsLogEvents.Subscription, "No need to remove subscription");

        Assert.StartsWith("Debug No need", kept.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatGoesWrongWithASubscription_IsAWarningStill()
    {
        Log(LogLevel.Warning, NatsLogEvents.Subscription, "Dropped");

        Assert.StartsWith("Warning Dropped", kept.Text, StringComparison.Ordinal);
    }

    private void Log(LogLevel level, EventId of, string text)
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(kept).SetMinimumLevel(LogLevel.Trace));
        using var log = new ClientLog(factory);
#pragma warning disable CA1848, CA2254, CA1873 // As the library does, whose texts they are.
        log.CreateLogger("NATS").Log(level, of, text);
#pragma warning restore CA1848, CA2254, CA1873
    }
}

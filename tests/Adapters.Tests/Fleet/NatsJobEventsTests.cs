using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.Fleet.Brokers;
using ControlPlane.Jobs;
using ControlPlane.TestKit;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Events of jobs on a real broker.</summary>
public sealed class NatsJobEventsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnEvent_IsOnTheBroker_WhenItIsPublished()
    {
        await using var broker = await NatsServer.StartAsync(Cancel);
        await using var parts = new FleetParts(overlay: broker.Url, configure: options => options.JobEvents = true);
        await using var listener = new NatsConnection(NatsOpts.Default with { Url = broker.Url });
        await using var heard = await listener.SubscribeCoreAsync<string>("controlplane.job.*.ended", cancellationToken: Cancel);
        await listener.PingAsync(Cancel);

        var events = Events(parts);
        Assert.Null(events.Obstacle);
        await events.PublishAsync("controlplane.job.j1.ended", """{"id":"j1/7"}""", Cancel);

        var message = await heard.Msgs.ReadAsync(Cancel);
        Assert.Equal(("controlplane.job.j1.ended", """{"id":"j1/7"}"""), (message.Subject, message.Data));
        Assert.Equal("application/cloudevents+json", $"{message.Headers!["content-type"]}");
    }

    [Fact]
    public async Task WhatTheBrokerDoesNotPermit_IsNoticed_ThoughItSaysNothing()
    {
        // The server of these tests is too old to tell what it permits.
        await using var broker = new StrictBroker
        {
            UserInformation = """{"data":{"permissions":{"publish":{"deny":["controlplane.job.>"]}}}}""",
        };
        await using var parts = new FleetParts(overlay: broker.Url, configure: options => options.JobEvents = true);
        var events = Events(parts);
        var denied = await Assert.ThrowsAsync<ReceiverUnavailableException>(
            () => events.PublishAsync("controlplane.job.j1.ended", "{}", Cancel));
        Assert.Contains("does not let the silo publish on controlplane.job.>", denied.Message);
        Assert.Equal(denied.Message, events.Obstacle);
    }

    [Fact]
    public async Task WhereTheSettingIsOff_NoneIsPublished_AndTheSettingIsNamed()
    {
        await using var parts = new FleetParts(overlay: "nats://127.0.0.1:1");
        Assert.Contains("Fleet:JobEvents", Events(parts).Obstacle);
    }

    private static NatsJobEvents Events(FleetParts parts) => new(parts.Connections, parts.Fleet, parts.Overlays);
}

using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Events of foreign streams reach the partition grains, once and in order, as long as nothing breaks.</summary>
public sealed class DeliveryTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_AreDeliveredOnceAndInOrder_FromTwoSourcesOnTwoServers()
    {
        await using var provisioning = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        await using var overlay = await NatsServer.StartAsync(
            new NatsServerSettings { JetStream = true, Program = NatsPrograms.Newest }, Cancelled);
        await using var cluster = await StreamCluster.StartAsync(2, [("provisioning", provisioning.Url), ("overlay", overlay.Url)]);
        string[] identities = [.. Enumerable.Range(0, 50).Select(n => $"node{n}.example.net")];
        await using var toProvisioning = StreamCluster.Connect(provisioning.Url);
        await using var toOverlay = StreamCluster.Connect(overlay.Url);
        await StreamsAreThereAsync(toProvisioning, "provisioning");
        await StreamsAreThereAsync(toOverlay, "overlay");

        await Task.WhenAll(
            Publisher.PublishAllAsync(toProvisioning, "provisioning", identities, 0, 100, Cancelled),
            Publisher.PublishAllAsync(toOverlay, "overlay", identities, 0, 100, Cancelled));

        await cluster.UntilDeliveredAsync(10_000, Cancelled);
        Assert.Empty(
            cluster.History.Faults(identities.SelectMany(identity => new[] { ("provisioning", identity), ("overlay", identity) }), 100));
        Assert.Equal(10_000, cluster.History.All.Count);
        Assert.All(cluster.History.All, one => Assert.Equal(
            ControlPlane.Adapters.Nats.StreamPartition.Of(one.Event.Identity, 8).ToString(
                System.Globalization.CultureInfo.InvariantCulture), one.Partition));
    }

    private static Task StreamsAreThereAsync(NATS.Client.Core.NatsConnection connection, string source) =>
        Readiness.UntilAsync(
            async token =>
            {
                try
                {
                    await new NATS.Client.JetStream.NatsJSContext(connection).GetStreamAsync(
                        StreamCluster.StreamOf(source), cancellationToken: token);
                    return true;
                }
                catch (NATS.Client.JetStream.NatsJSApiException)
                {
                    return false;
                }
            },
            $"stream of {source}",
            Cancelled);
}

using System.Text.Json;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>Reads what the control plane told of nodes' liveness.</summary>
internal static class Advisories
{
    private const int ReadMax = 10_000;

    /// <summary>The advisories that the broker holds, oldest first, as (event, node); none while there is no stream of them.</summary>
    public static async Task<IReadOnlyList<(string Event, string Node)>> ReadAsync(
        INatsConnection connection, string overlay, CancellationToken cancellationToken)
    {
        var read = new List<(string, string)>();
        var context = new NatsJSContext(connection);
        try
        {
            var stream = await context.GetStreamAsync($"controlplane_{overlay}_advisories", cancellationToken: cancellationToken);
            if (stream.Info.State.Messages == 0)
            {
                return read;
            }

            var consumer = await context.CreateOrderedConsumerAsync(stream.Info.Config.Name!, cancellationToken: cancellationToken);
            await foreach (var message in consumer.FetchNoWaitAsync<byte[]>(
                new NatsJSFetchOpts { MaxMsgs = ReadMax }, NatsRawSerializer<byte[]>.Default, cancellationToken))
            {
                using var advisory = JsonDocument.Parse(message.Data);
                read.Add((advisory.RootElement.GetProperty("event").GetString()!, advisory.RootElement.GetProperty("value").GetString()!));
            }
        }
        catch (NatsJSApiException none) when (none.Error.Code == 404)
        {
            // Nobody was announced yet.
        }

        return read;
    }
}

using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Writes the tests' events as a foreign program would: text on a subject without the identity.</summary>
internal static class Publisher
{
    public static async Task PublishAsync(INatsConnection connection, string source, string body, CancellationToken cancellationToken)
    {
        var jetStream = new NatsJSContext(connection);
        var ack = await jetStream.PublishAsync(
            $"{source}.event.x",
            System.Text.Encoding.UTF8.GetBytes(body),
            NatsRawSerializer<byte[]>.Default,
            cancellationToken: cancellationToken);
        ack.EnsureSuccess();
    }

    /// <summary>
    /// Sends each identity the numbers from <paramref name="from"/> on, interleaved, with many publishes on their way at once.
    /// </summary>
    public static async Task PublishAllAsync(
        INatsConnection connection,
        string source,
        IReadOnlyList<string> identities,
        int from,
        int count,
        CancellationToken cancellationToken)
    {
        var jetStream = new NatsJSContext(connection);
        var waiting = new List<NatsJSPublishConcurrentFuture>();
        for (var number = from; number < from + count; number++)
        {
            foreach (var identity in identities)
            {
                waiting.Add(await jetStream.PublishConcurrentAsync(
                    $"{source}.event.x",
                    System.Text.Encoding.UTF8.GetBytes($"{identity} {number}"),
                    NatsRawSerializer<byte[]>.Default,
                    cancellationToken: cancellationToken));
                if (waiting.Count == 256)
                {
                    await SettleAsync(waiting, cancellationToken);
                }
            }
        }

        await SettleAsync(waiting, cancellationToken);
    }

    private static async Task SettleAsync(List<NatsJSPublishConcurrentFuture> waiting, CancellationToken cancellationToken)
    {
        foreach (var future in waiting)
        {
            (await future.GetResponseAsync(cancellationToken)).EnsureSuccess();
            await future.DisposeAsync();
        }

        waiting.Clear();
    }
}

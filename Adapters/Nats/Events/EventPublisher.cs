using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>Publishes typed events: returns when the server has stored them, and throws when it has not.</summary>
internal sealed class EventPublisher(
    NatsJSContext jetStream, ProviderNames names, JetStreamStreamOptions options, EventBodySerializer bodies, TimeProvider time)
{
    private const int StreamNotFound = 10059;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    // Tells publishers apart, so that their counters never meet.
    private readonly string _publisher = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly JetStreamEventsOptions _events = options.Events!;
    private long _published;

    public async Task PublishAsync(StreamId stream, object[] events, Dictionary<string, object>? requestContext)
    {
        using var activity = StreamActivities.StartPublish(stream, events.Length);
        var messageId = requestContext is not null && requestContext.Remove(JetStreamPublishing.MessageIdKey, out var given)
            ? $"{JetStreamSubject.Encode(stream.Namespace.Span)}/{JetStreamSubject.Encode(stream.Key.Span)}/{given}"
            : string.Create(CultureInfo.InvariantCulture, $"{_publisher}:{Interlocked.Increment(ref _published)}");
        var schema = _events.Body == JetStreamEventBody.Json ? EventHeaders.JsonSchema : EventHeaders.OrleansSchema;
        var body = bodies.Write(new EventBody(events, requestContext is { Count: > 0 } ? requestContext : null), _events.Body);
        var subject = names.EventSubject(PartitionOf(stream, options.Partitions), stream.Namespace.Span, stream.Key.Span);
        var headers = EventHeaders.Write(stream, schema, messageId);
        await StoreAsync(subject, body, headers, stream);
    }

    /// <summary>The partition of a stream: by its namespace and key, so that a stream is always in the same one.</summary>
    internal static int PartitionOf(StreamId stream, int partitions)
    {
        var hash = new XxHash32();
        hash.Append(stream.Namespace.Span);
        hash.Append([0]);
        hash.Append(stream.Key.Span);
        return (int)(hash.GetCurrentHashAsUInt32() % (uint)partitions);
    }

    // Tried again only with the same message id: what the server has stored although its answer was lost, it stores once.
    private async Task StoreAsync(string subject, byte[] body, NatsHeaders headers, StreamId stream)
    {
        using var limit = new CancellationTokenSource(_events.PublishTimeout, time);
        Exception? fault = null;
        while (!limit.IsCancellationRequested)
        {
            try
            {
                var ack = await jetStream.PublishAsync(
                    subject,
                    body,
                    NatsRawSerializer<byte[]>.Default,
                    new NatsJSPubOpts { RetryAttempts = 1 },
                    new NatsHeaders(headers.ToDictionary(header => header.Key, header => header.Value)),
                    limit.Token);
                ack.EnsureStored();
                return;
            }
            catch (NatsJSApiException refused) when (
                refused.Error.Code is not (>= 500 and < 600) || refused.Error.ErrCode == StreamNotFound)
            {
                throw new JetStreamPublishException($"the server refused an event of {stream}: {refused.Error.Description}");
            }
            catch (NatsPayloadTooLargeException tooLarge)
            {
                throw new JetStreamPublishException($"an event of {stream} is too large: {tooLarge.Message}");
            }
            catch (NatsException again)
            {
                fault = again;
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                break;
            }

            await EnsureStreamAsync(limit.Token);
            await Task.Delay(RetryDelay, time, limit.Token).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        throw new JetStreamPublishException($"an event of {stream} was not stored within {_events.PublishTimeout}: {fault?.Message}");
    }

    // Nobody answering may mean that there is no JetStream stream: nobody was here yet, or it was deleted.
    private async Task EnsureStreamAsync(CancellationToken cancellationToken)
    {
        try
        {
            await new JetStreamStore(jetStream, ProviderStreams.Events(names, options)).EnsureAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is NatsException or OperationCanceledException)
        {
            // The next publish says it.
        }
    }
}

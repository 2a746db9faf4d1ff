using System.Globalization;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// Reads again what the fleet's JetStream streams hold of nodes. Partitions that ask at the same time share one reading.
/// </summary>
/// <remarks>
/// Proofs are not looked at: anybody may say that a node is alive. The filter is one subject, for servers before 2.10.
/// </remarks>
internal sealed partial class StoredSignsOfLife(
    FleetConnections connections,
    IOptions<FleetOptions> fleet,
    IOptions<OverlaysOptions> overlays,
    TimeProvider time,
    ILogger<StoredSignsOfLife> logger) : ISignsOfLife, IDisposable
{
    /// <summary>Messages of one reading: of 20,000 nodes ten minutes, with five watchers each.</summary>
    private const int MessagesMax = 200_000;

    /// <summary>Brokers have clocks of their own.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan ReadingTimeout = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim turn = new(1, 1);
    private Reading? latest;
    private int waiting;

    public async Task<IReadOnlyList<FleetEvent>?> SinceAsync(string partition, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var askedAt = time.GetTimestamp();
        Interlocked.Increment(ref waiting);
        try
        {
            await turn.WaitAsync(cancellationToken);
            try
            {
                if (latest is not { } read || read.Since > since || read.BegunAt < askedAt)
                {
                    latest = read = await ReadAsync(since - Margin, cancellationToken);
                }

                var number = int.Parse(partition, CultureInfo.InvariantCulture);
                return read.Events is { } events ? [.. events[number].OrderBy(one => one.ReceivedAt)] : null;
            }
            finally
            {
                turn.Release();
            }
        }
        finally
        {
            // The silo that takes over a dead one's partitions needs it for a moment, and then not for days.
            if (Interlocked.Decrement(ref waiting) == 0)
            {
                latest = null;
            }
        }
    }

    public void Dispose() => turn.Dispose();

    private async Task<Reading> ReadAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var begunAt = time.GetTimestamp();
        using var patience = new CancellationTokenSource(ReadingTimeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var events = new List<FleetEvent>();
            foreach (var source in FleetSource.Of(fleet.Value, overlays.Value))
            {
                await ReadAsync(source, since, events, limit.Token);
            }

            return new Reading(since, begunAt, events.ToLookup(one => StreamPartition.Of(one.Identity, FleetSlices.Count)));
        }
        catch (Exception away) when (
            NatsFault.Is(away) || away is StoreUnavailableException || (
                away is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogNotRead(since, away.Message);
            return new Reading(since, begunAt, Events: null);
        }
    }

    private async Task ReadAsync(FleetSource source, DateTimeOffset since, List<FleetEvent> events, CancellationToken cancellationToken)
    {
        var context = new NatsJSContext(connections.Of(source.Network)[0]);
        if (await OpenOrNullAsync(context, source, since, cancellationToken) is not { } reader)
        {
            return;
        }

        var left = reader.Info.NumPending;
        if (left + (ulong)events.Count > MessagesMax)
        {
            throw new StoreUnavailableException($"{source.JetStream} holds {left} messages since then, more than {MessagesMax} are not read");
        }

        var newest = new Dictionary<string, FleetEvent>(StringComparer.Ordinal);
        await foreach (var message in reader.ReadToEndAsync(cancellationToken))
        {
            if (ReadOrNull(source, message) is not { } sign)
            {
                continue;
            }

            if (source.IsOfLifecycle)
            {
                events.Add(sign);
            }
            else
            {
                newest[sign.Identity] = sign;
            }
        }

        events.AddRange(newest.Values);
    }

    private static async Task<INatsJSConsumer?> OpenOrNullAsync(
        NatsJSContext context, FleetSource source, DateTimeOffset since, CancellationToken cancellationToken)
    {
        try
        {
            return await context.OpenReaderAsync(
                source.JetStream,
                reader =>
                {
                    reader.FilterSubject = source.Subjects is [var only] ? only : null;
                    (reader.DeliverPolicy, reader.OptStartTime) = (ConsumerConfigDeliverPolicy.ByStartTime, since);
                },
                cancellationToken);
        }
        catch (NatsJSApiException none) when (none.Error.Code == 404)
        {
            return null;
        }
    }

    private static FleetEvent? ReadOrNull(FleetSource source, INatsJSMsg<byte[]> message) =>
        message.Metadata is { } metadata
            ? StreamIdentities.OrNull(source.SignOrNull(new JetStreamMessage(
                source.Name, message.Subject, message.Headers, message.Data, metadata.Sequence.Stream, metadata.Timestamp)))
            : null;

    [LoggerMessage(LogLevel.Warning, "Who was heard since {Since} cannot be read again, so nodes that died since are called late later: {Reason}")]
    private partial void LogNotRead(DateTimeOffset since, string reason);

    /// <param name="Since">From when on.</param>
    /// <param name="BegunAt">The timestamp of its begin: what was acknowledged before it is in it.</param>
    /// <param name="Events">By partition; null when they could not be read.</param>
    private sealed record Reading(DateTimeOffset Since, long BegunAt, ILookup<int, FleetEvent>? Events);
}

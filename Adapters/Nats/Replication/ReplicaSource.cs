using System.Globalization;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a source holds, and how long.</summary>
/// <param name="Created">Its incarnation as the server made it.</param>
/// <param name="First">The sequence of its oldest message; one beyond <paramref name="Last"/> when it is empty.</param>
/// <param name="FirstAt">When that was stored; null when it is empty.</param>
/// <param name="Last">The sequence of the newest that there ever was.</param>
/// <param name="Messages">How many it holds.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Limits">What makes it drop messages.</param>
internal sealed record SourceState(
    string Created, ulong First, DateTimeOffset? FirstAt, ulong Last, long Messages, long Bytes, SourceLimits Limits)
{
    /// <summary>See <see cref="ReplicaProgress.RetentionLeft"/>.</summary>
    public double RetentionLeft(long pending, DateTimeOffset? oldestPendingAt, DateTimeOffset now)
    {
        if (pending <= 0)
        {
            return 1;
        }

        var left = 1d;
        if (Limits.MaxAge > TimeSpan.Zero && oldestPendingAt is { } oldest)
        {
            left = Math.Min(left, 1 - ((now - oldest) / Limits.MaxAge));
        }

        if (Limits.MaxMessages > 0)
        {
            left = Math.Min(left, 1 - ((double)pending / Limits.MaxMessages));
        }

        if (Limits.MaxBytes > 0 && Messages > 0)
        {
            left = Math.Min(left, 1 - ((double)Bytes * pending / Messages / Limits.MaxBytes));
        }

        return Math.Clamp(left, 0, 1);
    }
}

/// <param name="MaxAge">Zero: none.</param>
/// <param name="MaxMessages">Zero or less: none.</param>
/// <param name="MaxBytes">Zero or less: none.</param>
/// <param name="PerSubject">Whether it drops what is followed on its subject: those are no gaps, it is made so.</param>
internal sealed record SourceLimits(TimeSpan MaxAge, long MaxMessages, long MaxBytes, bool PerSubject);

/// <summary>The side of a link that is read.</summary>
internal sealed class ReplicaSource(NatsJSContext jetStream, ReplicaSettings settings, TimeProvider time)
{
    private const int NotFound = 404;

    /// <exception cref="ReplicaFaultException">There is no such stream.</exception>
    public async Task<SourceState> GetStateAsync(CancellationToken cancellationToken)
    {
        try
        {
            var info = (await jetStream.GetStreamAsync(settings.Source, cancellationToken: cancellationToken)).Info;
            var (state, config) = (info.State, info.Config);
            var first = state.Messages == 0 ? state.LastSeq + 1 : state.FirstSeq;
            return new SourceState(
                ReplicaCursor.IncarnationOf(info.Created),
                first,
                state.Messages == 0 ? null : TimeOf(state.FirstTs),
                state.LastSeq,
                state.Messages,
                state.Bytes,
                new SourceLimits(config.MaxAge, config.MaxMsgs, config.MaxBytes, config.MaxMsgsPerSubject > 0));
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == NotFound)
        {
            throw new ReplicaFaultException($"the source has no stream '{settings.Source}'", missing);
        }
    }

    /// <summary>Whether the source holds another message where one was copied from, in a stream that was never deleted.</summary>
    public async Task<bool> IsRewoundAsync(ReplicaCursor reached, SourceState state, CancellationToken cancellationToken) =>
        reached.StoredAt is not null && reached.IsOf(state.Created) && reached.Sequence >= state.First && reached.Sequence <= state.Last
        && await jetStream.FindAsync(settings.Source, reached.Sequence, cancellationToken) is { } there
        && reached.IsAnother(there.Time);

    /// <summary>The place behind which a new replica begins.</summary>
    public async Task<ReplicaCursor> FindOriginAsync(SourceState state, CancellationToken cancellationToken)
    {
        var first = settings.Start switch
        {
            ReplicaStart.Coming => state.Last + 1,
            ReplicaStart.Sequence from => Math.Max(1, from.First),
            ReplicaStart.Time from => await FindAtAsync(from.From, state, cancellationToken),
            ReplicaStart.Age old => await FindAtAsync(time.GetUtcNow() - old.Before, state, cancellationToken),
            _ => state.First,
        };

        // What is asked for from beyond the end begins with what comes there.
        return new ReplicaCursor(state.Created, Math.Min(first, state.Last + 1) - 1);
    }

    /// <summary>Opens a reader that begins with a sequence.</summary>
    public Task<INatsJSConsumer> OpenAsync(ulong first, CancellationToken cancellationToken) => OpenAsync(
        reader => (reader.DeliverPolicy, reader.OptStartSeq) = (ConsumerConfigDeliverPolicy.ByStartSequence, first), cancellationToken);

    /// <summary>The messages that a reader gives out, as they come.</summary>
    public Task<PullSession> PullAsync(INatsJSConsumer reader, PullLimits limits, CancellationToken cancellationToken) =>
        PullSession.OpenAsync(jetStream, $"{settings.Source}.{reader.Info.Name}", limits, time, cancellationToken);

    private async Task<ulong> FindAtAsync(DateTimeOffset from, SourceState state, CancellationToken cancellationToken)
    {
        var reader = await OpenAsync(
            at => (at.DeliverPolicy, at.OptStartTime) = (ConsumerConfigDeliverPolicy.ByStartTime, from), cancellationToken);
        return await reader.ReadToEndAsync(cancellationToken).FirstOrDefaultAsync(cancellationToken) is { Metadata: { } first }
            ? first.Sequence.Stream
            : state.Last + 1;
    }

    private Task<INatsJSConsumer> OpenAsync(Action<ConsumerConfig> begin, CancellationToken cancellationToken) => jetStream.OpenReaderAsync(
        settings.Source,
        reader =>
        {
            begin(reader);
            switch (settings.Subjects)
            {
                case []:
                    break;
                case [var only]:
                    reader.FilterSubject = only;
                    break;
                default:
                    reader.FilterSubjects = [.. settings.Subjects];
                    break;
            }
        },
        cancellationToken);

    private static DateTimeOffset? TimeOf(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
}

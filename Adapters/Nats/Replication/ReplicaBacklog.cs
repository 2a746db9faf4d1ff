using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>What waits in a source while its target is away, as far as that can be told without it.</summary>
/// <param name="settings">What is copied where.</param>
/// <param name="source">Where the source is.</param>
/// <param name="time">The clock.</param>
public sealed class ReplicaBacklog(ReplicaSettings settings, NatsJSContext source, TimeProvider time)
{
    private const string Everything = ">";

    private readonly ReplicaSource _source = new(source, settings, time);

    /// <summary>How the replica stands; messages that are not wanted count as well.</summary>
    /// <param name="checkpoint">What was kept last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ReplicaFaultException">There is no such stream.</exception>
    public async Task<ReplicaProgress> MeasureAsync(ReplicaCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        var state = await _source.GetStateAsync(cancellationToken);
        var reached = checkpoint.Examined ?? checkpoint.Origin;
        var after = reached.IsOf(state.Created) ? reached.Sequence : 0;
        var pending = state.Last <= after ? 0 : Math.Min((long)(state.Last - after), state.Messages);
        var subject = settings.Subjects is [var only] ? only : Everything;
        var oldest = pending == 0 ? null : await source.NextAsync(settings.Source, after + 1, subject, cancellationToken);
        var left = state.RetentionLeft(pending, oldest?.Time, time.GetUtcNow());
        return new ReplicaProgress(reached, pending, oldest?.Time, left, Copied: 0, CopiedBytes: 0, Gaps: 0);
    }
}

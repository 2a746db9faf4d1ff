using ControlPlane.Access;
using ControlPlane.Flow;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace ControlPlane.Replication;

/// <summary>
/// See <see cref="IReplicationGrain"/>. It sees that the link is copied, by one try after the other, and says how that fares.
/// </summary>
/// <remarks>
/// Two of them at once, as while a silo is lost, do no harm: the port's copies are stored once. What is stored here is what an operator
/// wants, and where the link began, before its first copy.
/// </remarks>
[GrainType("replication"), KeepAlive]
internal sealed class ReplicationGrain : Grain, IInternalReplicationGrain, IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly IPersistentState<ReplicationRecord> record;
    private readonly ReplicationContext context;
    private readonly ReplicationLink? link;
    private readonly ReplicationStatus? status;
    private ReplicationAttempt? attempt;
    private int failures;
    private DateTimeOffset notBefore;

    public ReplicationGrain(
        [PersistentState("replication", Stores.Fleet)] IPersistentState<ReplicationRecord> record,
        ReplicationContext context,
        ILogger<ReplicationGrain> logger)
    {
        (this.record, this.context) = (record, context);
        link = context.Replication.Links.FirstOrDefault(one => one.Name == this.GetPrimaryKeyString());
        status = link is null ? null : new ReplicationStatus(link, context.Meter, context.Time, logger);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (link is null)
        {
            DeactivateOnIdle();
        }
        else
        {
            this.RegisterGrainTimer(
                token => context.Loops.RoundAsync("replication", _ => GoOnAsync(), token),
                new GrainTimerCreationOptions(TimeSpan.Zero, Tick));
        }

        return Task.CompletedTask;
    }

    // Ended before another silo may take it up, though it would do no harm.
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => await DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        status?.Forget();
    }

    public Task<ReplicationSnapshot?> Get() => Task.FromResult(status?.ToSnapshot());

    public async Task<ReplicationSnapshot?> Pause(string reason)
    {
        if (link is not null)
        {
            await ChangeAsync(record.State with { PausedBecause = $"paused by {CallerContext.Actor}: {reason}" });
            await GoOnAsync();
        }

        return status?.ToSnapshot();
    }

    public async Task<ReplicationSnapshot?> Resume(string reason)
    {
        if (link is not null)
        {
            await ChangeAsync(record.State with { PausedBecause = null });
            (failures, notBefore) = (0, default);
            await GoOnAsync();
        }

        return status?.ToSnapshot();
    }

    public async Task<ReplicationVerification?> Verify(int copiesMax) => link is null
        ? null
        : await context.Replication.VerifyAsync(
            link.Name, Math.Clamp(copiesMax, 1, IReplicationGrain.VerifiedMax), CancellationToken.None);

    public Task Wake() => Task.CompletedTask;

    public Task Keep(string checkpoint) => ChangeAsync(record.State with { Checkpoint = checkpoint });

    /// <summary>One look: ends what has failed or is not wanted, begins what is.</summary>
    private async Task GoOnAsync()
    {
        if (record.State.PausedBecause is { } paused)
        {
            await EndAsync();
            status!.Change(ReplicationState.Paused, paused);
            return;
        }

        if (attempt is { HasEnded: true } ended)
        {
            failures = status!.HasCopied ? 1 : failures + 1;
            notBefore = context.Time.GetUtcNow() + ReplicationBackoff.Delay(failures, context.Jitter.NextDouble());
            status.Change(ReplicationState.Failing, ended.Fault);
            await EndAsync();
        }

        if (attempt is null && context.Time.GetUtcNow() >= notBefore)
        {
            status!.Begin();
            attempt = new ReplicationAttempt(CopyAsync);
        }
    }

    // What it keeps comes back as a call of its own: nothing that changes the state is done beside another. It is not waited for any more
    // once the copying is to end, which may be what that call waits for.
    private Task CopyAsync(CancellationToken cancellationToken)
    {
        var self = this.AsReference<IInternalReplicationGrain>();
        return context.Replication.CopyAsync(
            link!.Name,
            record.State.Checkpoint,
            new ReplicationObserver(checkpoint => self.Keep(checkpoint).WaitAsync(cancellationToken), status!.Report, status!.Estimate),
            cancellationToken);
    }

    private async Task EndAsync()
    {
        var ended = attempt;
        attempt = null;
        await (ended?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private async Task ChangeAsync(ReplicationRecord next)
    {
        try
        {
            await (next == record.State ? Task.CompletedTask : record.ReplaceAsync(next));
        }
        catch (InconsistentStateException)
        {
            // Another activation goes on with it.
            DeactivateOnIdle();
            throw;
        }
    }
}

using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Access;

/// <summary>
/// Appends records to this silo's chain, those of concurrent calls in one go: while some are written the next gather. Thread-safe.
/// </summary>
/// <remarks>
/// Each silo has a chain of its own. So silos never wait for each other, and what a silo kept on its disk can be appended as it is when
/// the brokers have lost it. Two processes of one name cannot fork a chain: each appends behind the position that it knows, and who was
/// second gives its records their place anew.
/// </remarks>
internal sealed partial class AuditAppender(
    [FromKeyedServices(Logs.Audit)] ILog log,
    AuditChain chain,
    IBreakGlass breakGlass,
    AuditMeter meter,
    ILogger<AuditAppender> logger)
{
    /// <summary>How many records wait at most; more are refused, or lost where the call has been made.</summary>
    public const int WaitingMax = 10_000;

    /// <summary>How many records go in one go: with the largest ones, still one record of the log.</summary>
    public const int BatchMax = 256;

    private static readonly TimeSpan FlushPause = TimeSpan.FromMilliseconds(10);

    private readonly Lock gate = new();
    private List<Waiting> waiting = [];
    private bool isWriting;
    private int writing;
    private volatile string? fault;

    /// <summary>Why nothing can be recorded now; null while it can.</summary>
    public string? Fault => fault;

    /// <summary>Whether calls go on that only the journal records.</summary>
    public bool IsGlassBroken => breakGlass.IsOn;

    /// <summary>Records that are not in the log yet.</summary>
    public int Backlog
    {
        get
        {
            lock (gate)
            {
                return waiting.Count + Math.Max(writing, chain.Unconfirmed);
            }
        }
    }

    /// <summary>Writes a record; when it returns, the record is kept.</summary>
    /// <exception cref="AuditUnavailableException">It is not, or nobody knows.</exception>
    public Task AppendAsync(AuditRecord record, CancellationToken cancellationToken)
    {
        var entry = new Waiting(record, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!Add(entry))
        {
            throw new AuditUnavailableException($"{WaitingMax} records wait to be written; ask again");
        }

        return entry.Kept!.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Has a record written with the next ones. It tells of what has happened already, so nobody waits for it.</summary>
    public void Enqueue(AuditRecord record)
    {
        if (!Add(new Waiting(record, Kept: null)))
        {
            meter.Lost();
            LogLost(record.Kind, record.Id);
        }
    }

    /// <summary>Tries again what the log did not take; called every so often.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        if (chain.IsAway && !await AnswersAsync(cancellationToken))
        {
            return;
        }

        lock (gate)
        {
            chain.Retry();
            if (isWriting || (waiting.Count == 0 && chain.IsConfirmed))
            {
                return;
            }

            isWriting = true;
        }

        await WriteAllAsync();
    }

    /// <summary>Waits until everything is in the log, or cannot be now.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (Backlog > 0 && Fault is null)
        {
            await CatchUpAsync(cancellationToken);
            await Task.Delay(FlushPause, TimeProvider.System, cancellationToken);
        }
    }

    private bool Add(Waiting entry)
    {
        lock (gate)
        {
            if (waiting.Count >= WaitingMax)
            {
                return false;
            }

            waiting.Add(entry);
            if (isWriting)
            {
                return true;
            }

            isWriting = true;
        }

        _ = WriteAllAsync();
        return true;
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await log.GetPositionsAsync(cancellationToken);
            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    private async Task WriteAllAsync()
    {
        // Calls that come together get to add theirs first.
        await Task.Yield();
        while (true)
        {
            List<Waiting> batch;
            lock (gate)
            {
                batch = waiting.Count <= BatchMax ? waiting : waiting[..BatchMax];
                waiting = waiting.Count <= BatchMax ? [] : waiting[BatchMax..];
                writing = batch.Count;
            }

            var goesOn = await WriteAsync(batch);
            lock (gate)
            {
                writing = 0;
                if (waiting.Count == 0 || (!goesOn && waiting.TrueForAll(one => one.Kept is null)))
                {
                    isWriting = false;
                    return;
                }
            }
        }
    }

    /// <returns>False when what is left has to wait until the log is back.</returns>
    private async Task<bool> WriteAsync(List<Waiting> batch)
    {
        var isBroken = breakGlass.IsOn;
        if (chain.IsAway && !isBroken)
        {
            Refuse(batch, new StoreUnavailableException("the log of calls does not answer"));
            batch = [.. batch.Where(one => one.Kept is null)];
        }

        try
        {
            await chain.AppendAsync([.. batch.Select(one => isBroken ? one.Record with { BreakGlass = true } : one.Record)]);
            Settle(batch, null);
            return true;
        }
        catch (AuditKeptByJournalException away)
        {
            Refuse(isBroken ? [] : batch, away);
            Settle(isBroken ? batch : [], away.Message);
            return isBroken;
        }
#pragma warning disable CA1031 // Whatever failed: who waits must be told, and nothing may be taken as written.
        catch (Exception failed)
#pragma warning restore CA1031
        {
            Refuse(batch, failed);
            PutBack([.. batch.Where(one => one.Kept is null && !chain.Holds(one.Record))]);
            return false;
        }
    }

    private void Settle(List<Waiting> batch, string? away)
    {
        if (fault is not null && away is null)
        {
            LogBack();
        }

        fault = away;
        meter.Written(batch.Count);
        batch.ForEach(one => one.Kept?.TrySetResult());
    }

    // A record of a refused call may be in the log, now or later: then it must say that the call was not made.
    private void Refuse(List<Waiting> batch, Exception failed)
    {
        if (fault is null)
        {
            LogAway(failed.Message);
        }

        fault = failed.Message;
        var unavailable = new AuditUnavailableException($"the call could not be recorded, so it was not made: {failed.Message}", failed);
        foreach (var one in batch.Where(one => one.Kept is not null))
        {
            one.Kept!.TrySetException(unavailable);
            meter.Refused();
            if (chain.Holds(one.Record))
            {
                PutBack([new Waiting(AuditRecords.NotMade(one.Record), Kept: null)]);
            }
        }
    }

    private void PutBack(List<Waiting> batch)
    {
        lock (gate)
        {
            waiting = [.. batch, .. waiting];
        }
    }

    private sealed record Waiting(AuditRecord Record, TaskCompletionSource? Kept);

    [LoggerMessage(LogLevel.Error, "No call can be recorded, so none that changes something is made: {Fault}")]
    private partial void LogAway(string fault);

    [LoggerMessage(LogLevel.Information, "Calls are recorded again")]
    private partial void LogBack();

    [LoggerMessage(LogLevel.Error, "The {Kind} of call {Id} is lost: too many records wait for the log")]
    private partial void LogLost(AuditKind kind, string id);
}

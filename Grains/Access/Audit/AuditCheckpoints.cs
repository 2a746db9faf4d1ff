using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Access;

/// <summary>Writes the checkpoints of this silo. For one caller at a time; after a crash the next silo to write goes on.</summary>
internal sealed partial class AuditCheckpoints(
    [FromKeyedServices(Logs.Audit)] ILog log, AuditChain chain, ISiteSigner signer, AuditSite site, TimeProvider time,
    ILogger<AuditCheckpoints> logger)
{
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    /// <summary>The head of a silo that says nothing for so long is no longer carried on.</summary>
    private static readonly TimeSpan SilentMax = TimeSpan.FromDays(400);

    private const int ConflictsMax = 20;

    private AuditCheckpoint? latest;
    private ChainHead latestHead = ChainHead.None;

    /// <summary>Writes one. A failure is told by what calls it, and the next minute tries again.</summary>
    /// <exception cref="StoreUnavailableException">The log does not take it.</exception>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        // Before the first record nothing is known of the own chain.
        if (chain.ConfirmedAt.Head == ChainHead.None)
        {
            return;
        }

        for (var conflicts = 0; ; conflicts++)
        {
            try
            {
                await WriteOnceAsync(cancellationToken);
                return;
            }
            catch (StoreConflictException) when (conflicts < ConflictsMax)
            {
                // Another silo was first; the next try carries its head on.
            }
        }
    }

    private async Task WriteOnceAsync(CancellationToken cancellationToken)
    {
        var entry = await log.FindLastAsync(AuditTopics.Checkpoints, cancellationToken);
        var last = entry is null ? null : AuditTopics.Unpack(entry.Record).LastOrDefault();
        var read = last is null ? null : AuditCheckpoint.ReadOrNull(last.Body);
        var head = last?.Head ?? ChainHead.None;
        if (head.Sequence < latestHead.Sequence || (head.Sequence == latestHead.Sequence && head.Hash != latestHead.Hash))
        {
            // Goes on after what is known here, so that what is missing shows.
            LogRolledBack(head.Sequence, latestHead.Sequence);
            (head, read) = (latestHead, latest);
        }

        var now = time.GetUtcNow();
        var (own, lastAt) = chain.ConfirmedAt;
        var checkpoint = new AuditCheckpoint
        {
            Site = site.Overlay,
            At = now,
            By = site.Chain,
            Heads = [.. (read?.Heads ?? [])
                .Where(one => one.Chain != site.Chain && now - one.At < SilentMax)
                .Append(new AuditHead(site.Chain, own.Sequence, own.Hash, lastAt, now))
                .OrderBy(one => one.Chain, StringComparer.Ordinal)],
        };
        var record = checkpoint.After(head, signer);
        await log.AppendAsync(AuditTopics.Pack(AuditTopics.Checkpoints, [record]).Single(), entry?.Position ?? 0, cancellationToken);
        (latest, latestHead) = (checkpoint, record.Head);
    }

    [LoggerMessage(
        LogLevel.Error, "The audit log was rolled back or lost its end: its last checkpoint is {Sequence}, and there was one of {Known}")]
    private partial void LogRolledBack(long sequence, long known);
}

/// <summary>No key: checkpoints are a chain without signatures.</summary>
internal sealed class NoSiteSigner : ISiteSigner
{
    public string? PublicKey => null;

    public string Sign(ReadOnlySpan<byte> bytes) => throw new InvalidOperationException("there is no key to sign with");
}

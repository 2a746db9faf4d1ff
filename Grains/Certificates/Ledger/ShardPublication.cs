namespace ControlPlane.Certificates;

/// <summary>Publishes the history of one shard of a ledger, and takes out of its outbox what is in the log for certain.</summary>
/// <remarks>
/// Belongs to one grain and runs on its turns. What it holds is a memory of what is in the log: lost, it costs looking at the log again.
/// </remarks>
internal sealed class ShardPublication(ICertificateLedger ledger, LedgerLog history, string issuer, int shard, TimeProvider time)
{
    /// <summary>
    /// How long a record stays in the outbox after the brokers have acknowledged it: longer than the two minutes after which JetStream
    /// syncs, so that a broker that lost its last records with its power is given them again.
    /// </summary>
    public static readonly TimeSpan Settling = TimeSpan.FromMinutes(5);

    private LedgerHead head = LedgerHead.None;
    private LedgerHead? published;

    // What was in the log up to then: one mark at a time, so that a record stays for once to twice as long.
    private (long Through, long At)? mark;

    private bool HasSettled => mark is { } made && time.GetElapsedTime(made.At) >= Settling;

    /// <summary>How many records wait for the log.</summary>
    public async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        (_, head) = await ledger.ReadOutboxAsync(issuer, shard, after: 0, limit: 0, cancellationToken);
        return Math.Max(0, head.Sequence - (published?.Sequence ?? 0));
    }

    /// <summary>Publishes what waited when it was counted. Safe to repeat.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        if (head == published && !HasSettled)
        {
            return;
        }

        published = await history.PublishAsync(issuer, shard, cancellationToken);
        if (HasSettled)
        {
            // Still in the log after all that time, as was seen just now. A crash before this costs publishing it for nothing.
            await ledger.TrimOutboxAsync(issuer, shard, Math.Min(mark!.Value.Through, published.Sequence), cancellationToken);
            mark = null;
        }

        mark ??= published == LedgerHead.None ? null : (published.Sequence, time.GetTimestamp());
    }
}

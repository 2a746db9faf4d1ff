namespace ControlPlane.Certificates;

/// <summary>The durable record of every order, certificate and revocation, written by compare-and-swap.</summary>
/// <remarks>
/// Correctness of issuance rests here and not on single activation: of two writers with the same expected version, one loses.
/// Thread-safe. A write that threw may have been made.
/// </remarks>
/// <exception cref="LedgerUnavailableException">The store does not answer, or holds what cannot be read.</exception>
public interface ICertificateLedger
{
    /// <summary>One order's record; null when there is none. Repeatable.</summary>
    Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken);

    /// <summary>
    /// Writes one order's record if its stored version is still <see cref="LedgerEntry.Version"/> (0: absent), and its record of the
    /// history into the outbox: both or neither. Throws while the outbox holds <see cref="LedgerChain.OutboxMax"/>, and for a new order
    /// <see cref="LedgerChain.OutboxReserve"/> before.
    /// </summary>
    /// <returns>The entry with its new version, or null when another writer was first: read again and judge anew.</returns>
    Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken);

    /// <summary>Orders of one issuer that are in a state, oldest first, at most <paramref name="limit"/>. Repeatable.</summary>
    /// <remarks>In the order of <see cref="LedgerEntry.Position"/>, beginning after <paramref name="after"/> where that is given.</remarks>
    Task<IReadOnlyList<LedgerEntry>> ListAsync(
        string issuer, LedgerState state, LedgerPosition? after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// The order whose certificate <paramref name="signer"/> signed under a serial number; null when there is none. Repeatable.
    /// </summary>
    Task<LedgerEntry?> FindAsync(string issuer, string signer, string serialNumber, CancellationToken cancellationToken);

    /// <summary>Orders of one node in one issuer's ledger, newest first, at most <paramref name="limit"/>. Repeatable.</summary>
    Task<IReadOnlyList<LedgerEntry>> ListOfNodeAsync(string issuer, string identity, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// What one shard (<see cref="CertificateShard"/>) of an issuer's history keeps until the log has it for certain: a record for each
    /// write, oldest first, beginning after a sequence; and the last that was written. No record when the limit is 0. Repeatable.
    /// <see cref="LedgerLog"/> reads all.
    /// </summary>
    Task<(IReadOnlyList<LedgerRecord> Records, LedgerHead Head)> ReadOutboxAsync(
        string issuer, int shard, long after, int limit, CancellationToken cancellationToken);

    /// <summary>Takes the records up to a sequence out of a shard's outbox. Safe to repeat.</summary>
    Task TrimOutboxAsync(string issuer, int shard, long through, CancellationToken cancellationToken);

    /// <summary>Of each state, how many orders of one issuer are in it; states without any may be missing. Repeatable.</summary>
    Task<IReadOnlyDictionary<LedgerState, long>> CountAsync(string issuer, CancellationToken cancellationToken);

    /// <summary>All orders of one issuer, in no order: for reconciliation and audits.</summary>
    IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, CancellationToken cancellationToken);
}

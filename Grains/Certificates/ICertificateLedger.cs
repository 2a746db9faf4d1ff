using ControlPlane.Provisioning;

namespace ControlPlane.Certificates;

/// <summary>The durable record of every order, certificate and revocation, written by compare-and-swap.</summary>
/// <remarks>
/// Correctness of issuance rests here and not on single activation: of two writers with the same expected version, one loses.
/// Thread-safe. Every method throws <see cref="LedgerUnavailableException"/> when the store does not answer; a write that threw may have
/// been made.
/// </remarks>
public interface ICertificateLedger
{
    /// <summary>One order's record; null when there is none. Repeatable.</summary>
    Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken);

    /// <summary>Writes one order's record if its stored version is still <see cref="LedgerEntry.Version"/> (0: absent).</summary>
    /// <returns>The entry with its new version, or null when another writer was first: read again and judge anew.</returns>
    Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken);

    /// <summary>Orders of one issuer that are in a state, oldest first, at most <paramref name="limit"/>. Repeatable.</summary>
    /// <remarks>By creation, or by <see cref="LedgerEntry.RevocationDueAt"/> where that is set.</remarks>
    Task<IReadOnlyList<LedgerEntry>> ListAsync(string issuer, LedgerState state, int limit, CancellationToken cancellationToken);

    /// <summary>Of each state, how many orders of one issuer are in it; states without any may be missing. Repeatable.</summary>
    Task<IReadOnlyDictionary<LedgerState, long>> CountAsync(string issuer, CancellationToken cancellationToken);

    /// <summary>All orders of one issuer, in no order: for reconciliation and audits.</summary>
    IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, CancellationToken cancellationToken);
}

/// <summary>How an order stands.</summary>
public enum LedgerState
{
    /// <summary>The intent is recorded; the CA may have been called.</summary>
    Intended = 1,

    /// <summary>The certificate is recorded and given out.</summary>
    Issued = 2,

    /// <summary>The CA or a check refused it; no certificate of it is valid.</summary>
    Refused = 3,

    /// <summary>The CA may have issued a certificate that we do not have.</summary>
    OutcomeUnknown = 4,

    /// <summary>Superseded; its certificate is to be revoked.</summary>
    RevocationDue = 5,

    /// <summary>Its certificate is revoked, or there was none and none can come.</summary>
    Closed = 6,
}

/// <param name="Issuer">The issuer's name.</param>
/// <param name="OrderId">The order's name.</param>
/// <param name="Identity">For whom.</param>
/// <param name="State">How it stands.</param>
/// <param name="RequestDigest">Lower-case hexadecimal SHA-256 of the signing request: the same order id with another request is refused.</param>
/// <param name="CreatedAt">When the intent was recorded.</param>
/// <param name="Certificate">What was issued; null before that.</param>
/// <param name="RevocationReason">Why it is to be, or was, revoked.</param>
/// <param name="Detail">Why it was refused or closed, in words.</param>
/// <param name="Version">The stored version that this record was read at; 0 when it is new.</param>
public sealed record LedgerEntry(
    string Issuer,
    string OrderId,
    string Identity,
    LedgerState State,
    string RequestDigest,
    DateTimeOffset CreatedAt,
    IssuedCertificate? Certificate,
    RevocationReason? RevocationReason,
    string? Detail,
    long Version)
{
    /// <summary>The issuer that was last asked to sign; null before that. Differs from <see cref="Issuer"/> after a failover.</summary>
    public string? AskedIssuer { get; init; }

    /// <summary>When the order was made that <see cref="AskedIssuer"/> was asked: asked again, the same validity is ordered.</summary>
    public DateTimeOffset? OrderedAt { get; init; }

    /// <summary>
    /// While an issuer is asked: the instant by which whoever asks has had the answer or given up. Null when no answer is owed.
    /// </summary>
    public DateTimeOffset? AttemptUntil { get; init; }

    /// <summary>Why it was refused; null in other states.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>The signing request and profile while an issuer's answer is owed, so that it can be asked again without the node.</summary>
    public CertificateOrderRequest? Request { get; init; }

    /// <summary>From when on it is to be revoked.</summary>
    public DateTimeOffset? RevocationDueAt { get; init; }
}

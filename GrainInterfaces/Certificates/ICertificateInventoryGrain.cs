using ControlPlane.Access;
using ControlPlane.Placement;

namespace ControlPlane.Certificates;

/// <summary>What was ordered, issued, refused and revoked, by any issuer: for operators and auditors.</summary>
/// <remarks>Key: 0. Reads the ledger; holds nothing, and any number may be active.</remarks>
[Alias("ControlPlane.ICertificateInventoryGrain")]
public interface ICertificateInventoryGrain : IGrainWithIntegerKey
{
    /// <summary>The most orders or history records that one call gives.</summary>
    const int PageMax = 1000;

    /// <summary>The names of the issuers whose ledgers there are: each profile's first. Repeatable.</summary>
    [Alias("ListIssuers"), Requires(Permissions.CertificatesRead)]
    Task<IReadOnlyList<string>> ListIssuers();

    /// <summary>Orders of one issuer's ledger that are in a state, oldest first. Repeatable.</summary>
    /// <param name="issuer">Whose ledger.</param>
    /// <param name="state">Which orders.</param>
    /// <param name="after">The last position of the page before; null for the first page.</param>
    /// <param name="limit">1 to <see cref="PageMax"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LedgerUnavailableException">The ledger did not answer.</exception>
    [Alias("List"), Requires(Permissions.CertificatesRead)]
    Task<CertificatePage> List(string issuer, LedgerState state, LedgerPosition? after, int limit, CancellationToken cancellationToken);

    /// <summary>Every order of one node, newest first; at most <see cref="PageMax"/>. Repeatable.</summary>
    /// <exception cref="LedgerUnavailableException">The ledger did not answer.</exception>
    [Alias("ListOfNode"), Requires(Permissions.CertificatesRead)]
    Task<IReadOnlyList<CertificateRecord>> ListOfNode(string identity, CancellationToken cancellationToken);

    /// <summary>Has a certificate revoked at once, without grace, whoever holds it. Safe to repeat.</summary>
    /// <exception cref="LedgerUnavailableException">It is not known to be recorded; ask again.</exception>
    [Alias("Revoke"), Requires(Permissions.CertificatesRevoke)]
    Task<CertificateRevocation> Revoke(CertificateRevocationRequest request, CancellationToken cancellationToken);

    /// <summary>An issuer's revocation lists, DER, the signing CA's first; null when it publishes none. Repeatable.</summary>
    /// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
    [Alias("GetRevocationLists"), Requires(Permissions.CertificatesRead)]
    Task<IReadOnlyList<byte[]>?> GetRevocationLists(string issuer, CancellationToken cancellationToken);

    /// <summary>A part of the history of one shard of an issuer's ledger, oldest first, with its faults. Repeatable.</summary>
    /// <param name="issuer">Whose ledger.</param>
    /// <param name="shard">0 to <see cref="CertificateShard.Count"/> - 1.</param>
    /// <param name="after">The last sequence of the page before; 0 for the first page.</param>
    /// <param name="limit">1 to <see cref="PageMax"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LedgerUnavailableException">The ledger did not answer.</exception>
    [Alias("GetHistory"), Requires(Permissions.CertificatesRead)]
    Task<LedgerHistory> GetHistory(string issuer, int shard, long after, int limit, CancellationToken cancellationToken);
}

/// <param name="Issuer">The issuer that signed it.</param>
/// <param name="SerialNumber">As the ledger writes it: upper-case hexadecimal without leading zeros.</param>
/// <param name="Reason">Why, for relying parties.</param>
/// <param name="Explanation">Why, for the ledger, in words.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRevocationRequest")]
public sealed record CertificateRevocationRequest(
    [property: Id(0)] string Issuer,
    [property: Id(1)] string SerialNumber,
    [property: Id(2)] RevocationReason Reason,
    [property: Id(3)] string Explanation) : IGivesReason
{
    string IGivesReason.Reason => Explanation;
}

/// <summary>What became of a request to revoke.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRevocation")]
public abstract record CertificateRevocation
{
    /// <summary>It is due in the ledger, or was already; the CA is asked until it confirms.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRevocation.Due")]
    public sealed record Due([property: Id(0)] CertificateRecord Certificate) : CertificateRevocation;

    /// <summary>No ledger knows a certificate of that issuer and number.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRevocation.UnknownCertificate")]
    public sealed record UnknownCertificate : CertificateRevocation;

    /// <summary>The issuer cannot revoke.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRevocation.Impossible")]
    public sealed record Impossible([property: Id(0)] string Detail) : CertificateRevocation;
}

/// <param name="Certificates">The page.</param>
/// <param name="Next">Where the next page begins; null on the last one.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificatePage")]
public sealed record CertificatePage(
    [property: Id(0)] IReadOnlyList<CertificateRecord> Certificates, [property: Id(1)] LedgerPosition? Next);

/// <summary>A place in a list of orders: after the order of this time and name.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.LedgerPosition")]
public sealed record LedgerPosition([property: Id(0)] DateTimeOffset At, [property: Id(1)] string OrderId);

/// <summary>An order as the ledger holds it, and its certificate if there is one.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="Identity">For whom.</param>
/// <param name="State">How it stands.</param>
/// <param name="OrderedAt">When the intent was recorded.</param>
/// <param name="Issuer">Who was asked, or signed; null before that.</param>
/// <param name="SerialNumber">Of the certificate; null when there is none.</param>
/// <param name="NotBefore">Start of validity.</param>
/// <param name="NotAfter">End of validity.</param>
/// <param name="PublicKeyFingerprint">Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo.</param>
/// <param name="CertificateFingerprint">Lower-case hexadecimal SHA-256 of the certificate.</param>
/// <param name="RevocationReason">Why it is to be, or was, revoked.</param>
/// <param name="Detail">Why it was refused, revoked or closed, in words.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificateRecord")]
public sealed record CertificateRecord(
    [property: Id(0)] string OrderId,
    [property: Id(1)] string Identity,
    [property: Id(2)] LedgerState State,
    [property: Id(3)] DateTimeOffset OrderedAt,
    [property: Id(4)] string? Issuer,
    [property: Id(5)] string? SerialNumber,
    [property: Id(6)] DateTimeOffset? NotBefore,
    [property: Id(7)] DateTimeOffset? NotAfter,
    [property: Id(8)] string? PublicKeyFingerprint,
    [property: Id(9)] string? CertificateFingerprint,
    [property: Id(10)] RevocationReason? RevocationReason,
    [property: Id(11)] string? Detail);

/// <summary>One line of a ledger's history. Never changed, and dropped only from the far end.</summary>
/// <param name="Sequence">1 for a shard's first record, and then each the next.</param>
/// <param name="Hash">Lower-case hexadecimal SHA-256 of <paramref name="Body"/>.</param>
/// <param name="Body">JSON: what was written, with the sequence and the hash of the record before it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LedgerRecord")]
public sealed record LedgerRecord([property: Id(0)] long Sequence, [property: Id(1)] string Hash, [property: Id(2)] string Body);

/// <summary>A part of a ledger's history.</summary>
/// <param name="Records">The records, oldest first.</param>
/// <param name="Head">
/// The last record's sequence and hash, as they are kept apart. Who notes them elsewhere can tell later whether the end was cut off.
/// </param>
/// <param name="Faults">What does not fit together; empty when nothing was changed, removed or cut off.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LedgerHistory")]
public sealed record LedgerHistory(
    [property: Id(0)] IReadOnlyList<LedgerRecord> Records,
    [property: Id(1)] LedgerHead Head,
    [property: Id(2)] IReadOnlyList<string> Faults);

/// <param name="Sequence">Of the last record; 0 when there is none.</param>
/// <param name="Hash">Of the last record.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LedgerHead")]
public sealed record LedgerHead([property: Id(0)] long Sequence, [property: Id(1)] string Hash)
{
    /// <summary>Before the first record.</summary>
    public static LedgerHead None { get; } = new(0, "");
}

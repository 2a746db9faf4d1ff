using System.Text.Json.Serialization;
using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <param name="Issuer">The issuer's name.</param>
/// <param name="OrderId">The order's name.</param>
/// <param name="Identity">For whom.</param>
/// <param name="State">How it stands.</param>
/// <param name="RequestDigest">
/// Lower-case hexadecimal SHA-256 of the signing request: the same order id with another request is refused.
/// </param>
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

    /// <summary>Where it stands in lists: by <see cref="RevocationDueAt"/> where that is set, else by creation.</summary>
    [JsonIgnore]
    public LedgerPosition Position => new(RevocationDueAt ?? CreatedAt, OrderId);

    /// <summary>Which part of its issuer's history it is recorded in.</summary>
    [JsonIgnore]
    public int Shard => StableHash.Bucket(Identity, CertificateShard.Count);

    /// <summary>An order that is made now, before anyone was asked.</summary>
    internal static LedgerEntry New(string issuer, CertificateOrderRequest order, string requestDigest, DateTimeOffset now) => new(
        issuer, order.OrderId, order.Identity, LedgerState.Intended, requestDigest, now, null, null, null, Version: 0);

    /// <summary>An issuer is about to be asked.</summary>
    internal LedgerEntry Asking(string issuer, CertificateOrderRequest order, DateTimeOffset orderedAt, DateTimeOffset until) =>
        this with { AskedIssuer = issuer, OrderedAt = orderedAt, AttemptUntil = until, Request = order };

    /// <summary>No certificate came of the attempt.</summary>
    internal LedgerEntry Released() => this with { AttemptUntil = null, AskedIssuer = null, OrderedAt = null, Request = null };

    internal LedgerEntry RefusedAs(Refusal refusal, string detail) =>
        Released() with { State = LedgerState.Refused, Refusal = refusal, Detail = detail };

    /// <summary>An issuer may have signed, and no one will know.</summary>
    internal LedgerEntry Lost(string detail) =>
        this with { State = LedgerState.OutcomeUnknown, Detail = detail, AttemptUntil = null, Request = null };

    internal LedgerEntry IssuedAs(IssuedCertificate certificate) => this with
    {
        State = LedgerState.Issued,
        Certificate = certificate,
        AskedIssuer = certificate.Issuer,
        AttemptUntil = null,
        Request = null,
        Detail = null,
    };

    internal LedgerEntry Closed(string detail) =>
        this with { State = LedgerState.Closed, Detail = detail, Request = null, AttemptUntil = null, RevocationDueAt = null };

    /// <summary>A certificate of this order that must never be given out, to be revoked, under a name of its own.</summary>
    internal LedgerEntry Orphan(IssuedCertificate certificate, string detail, DateTimeOffset now) => new(
        Issuer,
        $"{OrderId}#{certificate.SerialNumber}",
        Identity,
        LedgerState.RevocationDue,
        RequestDigest,
        now,
        certificate,
        Certificates.RevocationReason.Superseded,
        detail,
        Version: 0)
    {
        RevocationDueAt = now,
    };
}

using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <summary>Admission to one certificate authority, for one shard of the identities that it serves.</summary>
/// <remarks>Key: <c>issuer/shard</c>, made by <see cref="CertificateShard.KeyFor"/>.</remarks>
[Alias("ControlPlane.ICertificateIssuanceGrain")]
internal interface ICertificateIssuanceGrain : IGrainWithStringKey
{
    /// <summary>Has a certificate issued for a verified identity.</summary>
    /// <remarks>
    /// Safe to repeat: the same order id with the same signing request always gets the same certificate back; with another request
    /// it is spent. The intent is stored before the CA is called and the result before it is returned.
    /// </remarks>
    [Alias("Issue"), ResponseTimeout("00:02:00")]
    Task<IssuanceOutcome> Issue(CertificateOrderRequest order, CancellationToken cancellationToken);

    /// <summary>Why an order for a profile would be deferred now; null when a CA would be asked. Safe to repeat.</summary>
    [Alias("FindObstacle")]
    Task<IssuanceOutcome.Deferred?> FindObstacle(string profile, CancellationToken cancellationToken);

    /// <summary>The certificate of an order, with its chain; null when it was not issued, or was closed since. Repeatable.</summary>
    /// <exception cref="LedgerUnavailableException">The ledger did not answer.</exception>
    [Alias("FindIssued")]
    Task<IssuedCertificate?> FindIssued(string orderId, CancellationToken cancellationToken);

    /// <summary>
    /// Closes an order: whatever certificate came of it, or may yet come of it, is revoked or queued to be. Safe to repeat.
    /// </summary>
    [Alias("Close")]
    Task Close(string orderId, RevocationReason reason, CancellationToken cancellationToken);
}

/// <summary>Who is served first when a CA cannot keep up.</summary>
public enum IssuancePriority
{
    NewNode = 0,
    Renewal = 1,
    Broker = 2,
}

/// <param name="OrderId">
/// Names the order for ever; the caller makes it from what it orders for, e.g. <c>web1.example.net/3</c>. 1 to 300 characters.
/// </param>
/// <param name="Identity">The verified identity: the only name that the certificate will carry.</param>
/// <param name="Overlay">The overlay that the node will join.</param>
/// <param name="Profile">The name of the configured certificate profile.</param>
/// <param name="SigningRequestPem">The node's PKCS#10 request; only its key is used.</param>
/// <param name="Priority">Who is served first.</param>
/// <param name="Deadline">After this instant the answer is of no use and the order is deferred.</param>
/// <param name="Given">A certificate that somebody else had issued for it: it is checked and recorded, and no CA is asked.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificateOrderRequest")]
public sealed record CertificateOrderRequest(
    [property: Id(0)] string OrderId,
    [property: Id(1)] string Identity,
    [property: Id(2)] string Overlay,
    [property: Id(3)] string Profile,
    [property: Id(4)] string SigningRequestPem,
    [property: Id(5)] IssuancePriority Priority,
    [property: Id(6)] DateTimeOffset Deadline,
    [property: Id(7)] GivenCertificate? Given = null);

/// <param name="CertificatePem">The certificate.</param>
/// <param name="ChainPem">The CA certificates that it leads to, its issuer first.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.GivenCertificate")]
public sealed record GivenCertificate([property: Id(0)] string CertificatePem, [property: Id(1)] string ChainPem);

/// <summary>What became of an order.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.IssuanceOutcome")]
public abstract record IssuanceOutcome
{
    /// <summary>Issued, checked and recorded.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.IssuanceOutcome.Issued")]
    public sealed record Issued([property: Id(0)] IssuedCertificate Certificate) : IssuanceOutcome;

    /// <summary>Not now: the CA is busy or away. Ask again with the same order id after <paramref name="RetryAt"/>.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.IssuanceOutcome.Deferred")]
    public sealed record Deferred([property: Id(0)] string Reason, [property: Id(1)] DateTimeOffset RetryAt) : IssuanceOutcome;

    /// <summary>Never: the request or the CA's rules forbid it.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.IssuanceOutcome.Refused")]
    public sealed record Refused([property: Id(0)] Refusal Refusal, [property: Id(1)] string Detail) : IssuanceOutcome;

    /// <summary>
    /// The order was closed or made with another request, or its outcome is unknown for good: close it and order anew, with a new key
    /// and id.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.IssuanceOutcome.Spent")]
    public sealed record Spent([property: Id(0)] string Detail) : IssuanceOutcome;
}

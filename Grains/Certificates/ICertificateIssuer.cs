using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>A certificate authority that signs what we order: the port that every CA adapter implements.</summary>
/// <remarks>
/// An adapter translates and classifies; it decides nothing. It is called only with orders that passed <c>SigningRequestCheck</c>,
/// and its answer is believed only after <c>IssuedCertificateCheck</c>. Thread-safe. Registered as a keyed service under its name.
/// </remarks>
public interface ICertificateIssuer
{
    /// <summary>The name under which it is configured; constant.</summary>
    string Name { get; }

    /// <summary>What this CA can be ordered to do; constant after start.</summary>
    IssuerCapabilities Capabilities { get; }

    /// <summary>Has the order signed. Not repeatable by itself: a second call makes a second certificate.</summary>
    /// <exception cref="IssuerRefusedException">The CA refused this order for good.</exception>
    /// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong.</exception>
    /// <exception cref="IssuerThrottledException">The CA asks to slow down; nothing was issued.</exception>
    /// <exception cref="IssuerUnavailableException">The CA cannot have acted on the order.</exception>
    /// <exception cref="IssuerOutcomeUnknownException">The CA may have issued, and the answer was lost.</exception>
    Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken);

    /// <summary>
    /// The certificates that verify what it issues: issuing CA first, root last. Empty while it names them with its first certificate.
    /// The adapter should cache them: it is asked before each order.
    /// </summary>
    /// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
    /// <exception cref="IssuerThrottledException">The CA asks to slow down.</exception>
    /// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong.</exception>
    Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken);

    /// <summary>
    /// All that can be told before the first order: that it lets us in and is what it is configured to be. Asked once, at start.
    /// </summary>
    /// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
    /// <exception cref="IssuerThrottledException">The CA asks to slow down.</exception>
    /// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong; the silo does not start.</exception>
    Task VerifyAsync(CancellationToken cancellationToken) => GetChainAsync(cancellationToken);

    /// <summary>Whether it could issue now; does not issue. Never throws but for cancellation.</summary>
    Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>
/// An issuer that can revoke. As with the ports below, one that implements it says by its capabilities whether its CA is set up for it.
/// </summary>
public interface ICertificateRevoker
{
    /// <summary>Revokes one certificate. Safe to repeat: a certificate that is revoked already stays so.</summary>
    /// <exception cref="IssuerUnavailableException">Not known to have been revoked; ask again.</exception>
    /// <exception cref="IssuerThrottledException">The CA asks to slow down; nothing was revoked.</exception>
    /// <exception cref="IssuerRefusedException">The CA does not know the certificate.</exception>
    /// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong.</exception>
    Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken);
}

/// <summary>An issuer that publishes a certificate revocation list itself.</summary>
/// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
/// <exception cref="IssuerThrottledException">The CA asks to slow down.</exception>
/// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong.</exception>
public interface ICertificateRevocationListSource
{
    /// <summary>
    /// The current lists, DER: one for each of its CA certificates that may still have valid certificates, the signing one first.
    /// Repeatable; may be up to a minute behind the last revocation.
    /// </summary>
    Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken);
}

/// <summary>An issuer that can say what it issued, so that lost answers are found again.</summary>
/// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
/// <exception cref="IssuerThrottledException">The CA asks to slow down.</exception>
/// <exception cref="IssuerMisconfiguredException">Our settings or the CA's are wrong.</exception>
public interface IIssuedCertificateCatalog
{
    /// <summary>The serial numbers of all that it keeps, in no order: upper-case hexadecimal without leading zeros.</summary>
    Task<IReadOnlyList<string>> ListSerialNumbersAsync(CancellationToken cancellationToken);

    /// <summary>One certificate that it keeps, DER; null when it has gone.</summary>
    Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken);

    /// <summary>The certificate that it signed for an order's key, DER; null when it keeps none. Repeatable.</summary>
    Task<byte[]?> FindAsync(CertificateOrder order, CancellationToken cancellationToken);
}

/// <summary>An issuer that can tell before its first order whether its CA is set up for a profile.</summary>
public interface ICertificateProfileCheck
{
    /// <summary>
    /// What the profile asks and the CA would not give, each a phrase that follows the issuer's name; empty when nothing. Repeatable.
    /// </summary>
    /// <exception cref="IssuerUnavailableException">The CA did not answer.</exception>
    /// <exception cref="IssuerThrottledException">The CA asks to slow down.</exception>
    /// <exception cref="IssuerMisconfiguredException">It cannot be asked so: our settings or the CA's are wrong.</exception>
    Task<IReadOnlyList<string>> FindFaultsAsync(CertificateProfile profile, CancellationToken cancellationToken);
}

/// <summary>What is to be signed: made from the verified identity and the profile, never from what a request asks.</summary>
/// <param name="OrderId">The order's name.</param>
/// <param name="Profile">The certificate profile that it follows.</param>
/// <param name="SigningRequestDer">The node's PKCS#10 request, as it was received.</param>
/// <param name="PublicKeyInfoDer">The request's SubjectPublicKeyInfo: the key that the certificate must carry.</param>
/// <param name="Subject">The distinguished name ordered; its common name is the identity.</param>
/// <param name="DnsNames">The DNS names in the SAN set, exactly: the identity, and those of the profile.</param>
/// <param name="NotBefore">Start of validity ordered; backdated by the profile.</param>
/// <param name="NotAfter">End of validity ordered.</param>
public sealed record CertificateOrder(
    string OrderId,
    CertificateProfile Profile,
    ReadOnlyMemory<byte> SigningRequestDer,
    ReadOnlyMemory<byte> PublicKeyInfoDer,
    CertificateSubject Subject,
    IReadOnlyList<string> DnsNames,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter)
{
    /// <summary>The URIs in the SAN set, exactly; mostly none.</summary>
    public IReadOnlyList<string> Uris { get; init; } = [];

    /// <summary>A certificate that came with the order; null when one is to be issued.</summary>
    public GivenCertificate? Given { get; init; }

    /// <summary>What a CA whose certificates we write ourselves is to sign, no longer valid than the CA is.</summary>
    /// <param name="serialNumber">Positive, big-endian.</param>
    /// <param name="algorithm">AlgorithmIdentifier of its signatures, DER.</param>
    /// <param name="issuer">Its name, DER.</param>
    /// <param name="authorityKeyIdentifier">Its key's identifier.</param>
    /// <param name="notAfterMax">Its end.</param>
    public CertificateDraft DraftBy(
        byte[] serialNumber, byte[] algorithm, byte[] issuer, byte[] authorityKeyIdentifier, DateTimeOffset notAfterMax) => new()
    {
        SerialNumber = serialNumber,
        Algorithm = algorithm,
        Issuer = issuer,
        AuthorityKeyIdentifier = authorityKeyIdentifier,
        NotBefore = NotBefore,
        NotAfter = NotAfter < notAfterMax ? NotAfter : notAfterMax,
        Subject = Subject.ToAttributes(),
        PublicKeyInfo = PublicKeyInfoDer,
        Usages = NodeUsages.NeededFor(PublicKeyReader.Read(PublicKeyInfoDer)),
        Purposes = NodeUsages.PurposesOf(Profile),
        DnsNames = DnsNames,
        Uris = Uris,
    };
}

/// <summary>A subject distinguished name of the attributes that Choria knows; null or empty ones are left out.</summary>
public sealed record CertificateSubject(
    string CommonName,
    string? Country = null,
    string? Locality = null,
    string? Organization = null,
    string? OrganizationalUnit = null)
{
    /// <summary>What it consists of: the widest first, its common name last.</summary>
    public IReadOnlyList<NameEntry> ToAttributes()
    {
        (string Oid, string? Value)[] all =
        [
            (Oids.Country, Country),
            (Oids.Organization, Organization),
            (Oids.OrganizationalUnit, OrganizationalUnit),
            (Oids.Locality, Locality),
            (Oids.CommonName, CommonName),
        ];
        return [.. all.Where(attribute => !string.IsNullOrEmpty(attribute.Value)).Select(one => new NameEntry(one.Oid, one.Value!))];
    }
}

/// <summary>What a CA answered, not yet believed.</summary>
/// <param name="CertificateDer">The certificate.</param>
/// <param name="ChainDer">The chain that the CA gave with it, issuing CA first; empty when it gave none.</param>
public sealed record SignedCertificate(byte[] CertificateDer, IReadOnlyList<byte[]> ChainDer);

/// <param name="CertificateDer">The certificate to revoke, whole: some CAs know it by serial number, some only by itself.</param>
/// <param name="Reason">Why.</param>
public sealed record RevocationOrder(ReadOnlyMemory<byte> CertificateDer, RevocationReason Reason);

/// <summary>What an issuer can be ordered to do. A profile that asks for more is a fault at start.</summary>
/// <param name="PerRequestSubject">It takes the subject from the order.</param>
/// <param name="PerRequestNames">It takes the SAN set from the order.</param>
/// <param name="PerRequestLifetime">It takes the validity from the order.</param>
/// <param name="PerRequestUsages">It takes key usages from the order.</param>
/// <param name="RevokesBySerial">It can revoke a certificate that it stored.</param>
/// <param name="RevokesByCertificate">It can revoke a certificate that it did not store.</param>
/// <param name="PublishesRevocationList">It makes a CRL.</param>
/// <param name="CertificatesPerMinuteMax">The documented maximum rate; null when only the machine limits it.</param>
public sealed record IssuerCapabilities(
    bool PerRequestSubject,
    bool PerRequestNames,
    bool PerRequestLifetime,
    bool PerRequestUsages,
    bool RevokesBySerial,
    bool RevokesByCertificate,
    bool PublishesRevocationList,
    int? CertificatesPerMinuteMax)
{
    /// <summary>It takes nothing from the order but the key, and revokes nothing.</summary>
    public static IssuerCapabilities None { get; } = new(
        PerRequestSubject: false,
        PerRequestNames: false,
        PerRequestLifetime: false,
        PerRequestUsages: false,
        RevokesBySerial: false,
        RevokesByCertificate: false,
        PublishesRevocationList: false,
        CertificatesPerMinuteMax: null);

    /// <summary>
    /// The same order, asked again, is answered with the same serial number and content: a lost answer is healed by asking again.
    /// False by default; then <see cref="IIssuedCertificateCatalog"/> finds what was lost, or nothing does.
    /// </summary>
    public bool Repeatable { get; init; }

    /// <summary>It keeps what it issued, and tells by <see cref="IIssuedCertificateCatalog"/>. False by default.</summary>
    public bool KeepsIssued { get; init; }

    /// <summary>It takes URIs for the SAN set from the order. False by default.</summary>
    public bool PerRequestUris { get; init; }
}

/// <param name="Healthy">It could issue now.</param>
/// <param name="Detail">Why not, or what is noteworthy; holds no secret.</param>
public sealed record IssuerHealth(bool Healthy, string Detail);

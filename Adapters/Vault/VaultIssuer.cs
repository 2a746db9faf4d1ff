using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>Signs through a Vault PKI mount: <c>POST {mount}/sign/{role}</c>.</summary>
internal class VaultIssuer(string name, VaultOptions options, VaultParts vault, TimeProvider time)
    : ICertificateIssuer, ICertificateRevoker, ICertificateRevocationListSource, ICertificateProfileCheck, IDisposable
{
    private const string EllipticKeyOid = "1.2.840.10045.2.1";
    private static readonly TimeSpan ChainKeptFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ClockDifferenceMax = TimeSpan.FromMinutes(1);

    private volatile Kept? kept;

    public string Name => name;

    public virtual IssuerCapabilities Capabilities { get; } = new(
        // Organisation, unit and the like are the role's.
        PerRequestSubject: false,

        // Verbatim is what the request says, and Choria's say no names.
        PerRequestNames: !options.Verbatim,
        PerRequestLifetime: true,
        PerRequestUsages: false,
        RevokesBySerial: false,
        RevokesByCertificate: true,
        PublishesRevocationList: true,
        CertificatesPerMinuteMax: null)
    {
        PerRequestUris = !options.Verbatim,
    };

    protected IVaultPki Pki => vault.Pki;

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var seconds = (long)(order.NotAfter - time.GetUtcNow()).TotalSeconds;
        if (seconds <= 0)
        {
            throw new IssuerRefusedException($"the certificate of order {order.OrderId} would have ended {order.NotAfter:u}");
        }

        if (options.Verbatim && !NamesOf(order.SigningRequestDer).Order(StringComparer.Ordinal)
            .SequenceEqual(order.DnsNames.Order(StringComparer.Ordinal)))
        {
            // The certificate would lack its name, and be revoked as soon as it was looked at.
            throw new IssuerRefusedException(
                $"{name} signs verbatim, and the signing request of order {order.OrderId} does not hold the names to sign; "
                + "Choria's agents send none: unset Verbatim for them");
        }

        var ttl = string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
        var csr = PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span);
        var role = RoleFor(order);
        var signed = options.Verbatim
            ? await Pki.SignVerbatimAsync(role, new VaultVerbatimRequest(csr, ttl, KeyUsages, Purposes(order.Profile)), cancellationToken)
            : await Pki.SignAsync(
                role,
                new VaultSignRequest(csr, order.Subject.CommonName, string.Join(',', order.DnsNames), string.Join(',', order.Uris), ttl),
                cancellationToken);
        return new SignedCertificate(signed.Certificate, signed.Chain);
    }

    public async Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (kept is { } current && now < current.Until)
        {
            return current.Chain;
        }

        var chain = await Pki.GetChainAsync(cancellationToken);
        kept = new Kept(chain, now + ChainKeptFor);
        return chain;
    }

    public async Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var standing = await vault.Health.ReadAsync(cancellationToken);
            if (!standing.Usable)
            {
                return new IssuerHealth(false, $"Vault is {standing.Detail}");
            }

            // Renews the token when that is due, so that a silo that issues nothing for long stays logged in.
            await vault.Session.GetTokenAsync(cancellationToken);
            var difference = (standing.ServerTime ?? time.GetUtcNow()) - time.GetUtcNow();
            return new IssuerHealth(true, difference.Duration() > ClockDifferenceMax
                ? $"Vault is {standing.Detail}; its clock differs from ours by {difference.TotalSeconds:F0} s"
                : $"Vault is {standing.Detail}");
        }
        catch (Exception unusable) when (unusable is IssuerMisconfiguredException or IssuerUnavailableException or IssuerThrottledException)
        {
            return new IssuerHealth(false, unusable.Message);
        }
    }

    public Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken) =>
        Pki.RevokeAsync(NameIn(order.CertificateDer), cancellationToken);

    public async Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken) =>
        [await Pki.GetRevocationListAsync(cancellationToken)];

    public async Task<IReadOnlyList<string>> FindFaultsAsync(CertificateProfile profile, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        var mountMax = await Pki.ReadLifetimeMaxAsync(cancellationToken);
        foreach (var name in new[] { options.Role, options.EllipticRole }.OfType<string>())
        {
            // Reading roles is a permission of its own; without it each certificate is still held to the profile.
            if (await Pki.ReadRoleAsync(name, cancellationToken) is { } role)
            {
                faults.AddRange(role.FaultsFor(profile, options.Stored, mountMax));
            }
        }

        return faults;
    }

    /// <summary>All that is checked at start: that Vault lets us in and has the mount and issuer.</summary>
    internal async Task VerifyAsync(CancellationToken cancellationToken)
    {
        await vault.Session.GetTokenAsync(cancellationToken);
        await GetChainAsync(cancellationToken);
    }

    public void Dispose()
    {
        vault.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>How Vault is told which certificate: by itself, since nothing is stored.</summary>
    protected virtual VaultRevocation NameIn(ReadOnlyMemory<byte> certificate) =>
        new() { Certificate = PemEncoding.WriteString("CERTIFICATE", certificate.Span) };

    // Choria's rule that certificates must be fit to sign; keyEncipherment is for RSA key exchange and does no harm elsewhere.
    private static readonly IReadOnlyList<string> KeyUsages = ["DigitalSignature", "KeyEncipherment"];

    private static IReadOnlyList<string> Purposes(CertificateProfile profile) =>
        profile.ServerAuthentication ? ["ServerAuth", "ClientAuth"] : ["ClientAuth"];

    private static IEnumerable<string> NamesOf(ReadOnlyMemory<byte> signingRequest) => CertificateRequest
        .LoadSigningRequest(
            signingRequest.Span,
            HashAlgorithmName.SHA256,
            out _,
            CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions | CertificateRequestLoadOptions.SkipSignatureValidation)
        .CertificateExtensions
        .OfType<X509SubjectAlternativeNameExtension>()
        .SelectMany(names => names.EnumerateDnsNames());

    private string RoleFor(CertificateOrder order)
    {
        if (options.EllipticRole is not { } elliptic)
        {
            return options.Role;
        }

        var key = PublicKey.CreateFromSubjectPublicKeyInfo(order.PublicKeyInfoDer.Span, out _);
        return key.Oid.Value == EllipticKeyOid ? elliptic : options.Role;
    }

    private sealed record Kept(IReadOnlyList<byte[]> Chain, DateTimeOffset Until);
}

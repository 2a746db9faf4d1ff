using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Vault;

/// <summary>
/// Signs through a Vault PKI mount: <c>POST {mount}/sign/{role}</c>. One whose role stores what it signs knows certificates by their
/// numbers, and can list them; one that does not is told each by itself.
/// </summary>
internal sealed partial class VaultIssuer :
    ICertificateIssuer,
    ICertificateRevoker,
    ICertificateRevocationListSource,
    IIssuedCertificateCatalog,
    ICertificateProfileCheck,
    IDisposable
{
    private static readonly TimeSpan ChainKeptFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ClockDifferenceMax = TimeSpan.FromMinutes(1);

    // Choria's rule that certificates must be fit to sign; keyEncipherment is for RSA key exchange and does no harm elsewhere.
    private static readonly IReadOnlyList<string> KeyUsages = ["DigitalSignature", "KeyEncipherment"];

    private readonly VaultOptions options;
    private readonly TimeProvider time;
    private readonly VaultClient client;
    private readonly VaultSession session;
    private readonly VaultPki pki;
    private volatile Kept? kept;

    public VaultIssuer(string name, VaultOptions options, TimeProvider time, Random random)
    {
        Name = name;
        this.options = options;
        this.time = time;
        client = new VaultClient(name, options, time);
        session = new VaultSession(new VaultLogin(client, options.Login), options.Login.Method, time, random);
        pki = new VaultPki(client, session, options);
        Capabilities = new IssuerCapabilities(
            // Organisation, unit and the like are the role's.
            PerRequestSubject: false,

            // Verbatim is what the request says, and Choria's say no names.
            PerRequestNames: !options.Verbatim,
            PerRequestLifetime: true,
            PerRequestUsages: false,
            RevokesBySerial: options.Stored,
            RevokesByCertificate: true,
            PublishesRevocationList: true,
            CertificatesPerMinuteMax: null)
        {
            PerRequestUris = !options.Verbatim,
            KeepsIssued = options.Stored,
        };
    }

    public string Name { get; }

    public IssuerCapabilities Capabilities { get; }

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
                $"{Name} signs verbatim, and the signing request of order {order.OrderId} does not hold the names to sign; "
                + "Choria's agents send none: unset Verbatim for them");
        }

        var ttl = string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
        var csr = PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span);
        var role = RoleFor(order);
        return options.Verbatim
            ? await pki.SignAsync(
                $"sign-verbatim/{role}",
                new VaultVerbatimRequest(csr, ttl, KeyUsages, Purposes(order.Profile)),
                cancellationToken)
            : await pki.SignAsync(
                $"sign/{role}",
                new VaultSignRequest(csr, order.Subject.CommonName, string.Join(',', order.DnsNames), string.Join(',', order.Uris), ttl),
                cancellationToken);
    }

    public async Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (kept is { } current && now < current.Until)
        {
            return current.Chain;
        }

        var chain = await pki.GetChainAsync(cancellationToken);
        kept = new Kept(chain, now + ChainKeptFor);
        return chain;
    }

    public async Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var standing = await pki.ReadStatusAsync(cancellationToken);
            if (!standing.Usable)
            {
                return new IssuerHealth(false, $"Vault is {standing.Detail}");
            }

            // Renews the token when that is due, so that a silo that issues nothing for long stays logged in.
            await session.GetTokenAsync(cancellationToken);
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
        pki.RevokeAsync(NameIn(order.CertificateDer), cancellationToken);

    public async Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken) =>
        [await pki.GetRevocationListAsync(cancellationToken)];

    public async Task<IReadOnlyList<string>> FindFaultsAsync(CertificateProfile profile, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        var mountMax = await pki.ReadLifetimeMaxAsync(cancellationToken);
        foreach (var name in new[] { options.Role, options.EllipticRole }.OfType<string>())
        {
            // Reading roles is a permission of its own; without it each certificate is still held to the profile.
            if (await pki.ReadRoleAsync(name, cancellationToken) is { } role)
            {
                faults.AddRange(role.FaultsFor(profile, options.Stored, mountMax));
            }
        }

        return faults;
    }

    public async Task<IReadOnlyList<string>> ListSerialNumbersAsync(CancellationToken cancellationToken) =>
        [.. (await pki.ListAsync(cancellationToken))
            .Select(number => number.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant().TrimStart('0'))];

    // Vault names certificates by whole bytes.
    public Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken) =>
        pki.ReadAsync(InPairs(serialNumber.Length % 2 == 0 ? serialNumber : $"0{serialNumber}"), cancellationToken);

    public async Task<byte[]?> FindAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        // Vault lists numbers only, so that each certificate is a call. A key is certified once: what carries it is the answer.
        foreach (var serialNumber in await pki.ListAsync(cancellationToken))
        {
            if (await pki.ReadAsync(serialNumber, cancellationToken) is { } der
                && CertificateFields.ReadOrNull(der)?.PublicKeyInfo.Span.SequenceEqual(order.PublicKeyInfoDer.Span) == true)
            {
                return der;
            }
        }

        return null;
    }

    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        await session.GetTokenAsync(cancellationToken);
        await GetChainAsync(cancellationToken);
    }

    public void Dispose()
    {
        session.Dispose();
        client.Dispose();
    }

    private VaultRevocation NameIn(ReadOnlyMemory<byte> certificate)
    {
        if (!options.Stored)
        {
            return new VaultRevocation { Certificate = PemEncoding.WriteString("CERTIFICATE", certificate.Span) };
        }

        return CertificateFields.ReadOrNull(certificate) is { } read
            ? new VaultRevocation { SerialNumber = InPairs(Convert.ToHexString(read.SerialNumber.Span)) }
            : throw new IssuerRefusedException("what is to be revoked is not a certificate");
    }

    private static string InPairs(string hexadecimal) => Pairs().Replace(hexadecimal.ToLowerInvariant(), "$0:").TrimEnd(':');

    private static IReadOnlyList<string> Purposes(CertificateProfile profile) =>
        profile.ServerAuthentication ? ["ServerAuth", "ClientAuth"] : ["ClientAuth"];

    // It was judged before: it can be read.
    private static IEnumerable<string> NamesOf(ReadOnlyMemory<byte> signingRequest) =>
        SigningRequestReader.Read(signingRequest).Extensions.Where(one => one.Oid == Oids.SubjectAlternativeName)
            .SelectMany(one => CertificateExtension.ReadNames(one.Value));

    private string RoleFor(CertificateOrder order) =>
        options.EllipticRole is { } elliptic && PublicKeyReader.Read(order.PublicKeyInfoDer) is PublicKeyParts.Elliptic
            ? elliptic
            : options.Role;

    [GeneratedRegex("..")]
    private static partial Regex Pairs();

    private sealed record Kept(IReadOnlyList<byte[]> Chain, DateTimeOffset Until);
}

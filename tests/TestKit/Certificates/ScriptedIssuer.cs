using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>A CA in memory that does what the test tells it to, and remembers all that it ever signed. Thread-safe.</summary>
public class ScriptedIssuer : ICertificateIssuer, ICertificateRevoker
{
    private const int SerialBytes = 16;

    private readonly X509Certificate2 root;
    private readonly X509AuthorityKeyIdentifierExtension authority;
    private readonly ConcurrentDictionary<string, byte[]> signed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RevocationReason> revoked = new(StringComparer.Ordinal);
    private int calls;

    public ScriptedIssuer(string name, bool repeatable = false)
    {
        Name = name;
        Capabilities = new IssuerCapabilities(
            true, true, true, true, true, true, false, null) { Repeatable = repeatable, PerRequestUris = true };
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} root", key, HashAlgorithmName.SHA256);
        var identifier = new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(identifier);
        authority = X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier);
        root = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(30), DateTimeOffset.UnixEpoch.AddYears(200));
    }

    public string Name { get; }

    public IssuerCapabilities Capabilities { get; init; }

    /// <summary>What happens to an order before it is signed: throw, wait, or nothing.</summary>
    public Func<CertificateOrder, CancellationToken, Task>? BeforeSigning { get; set; }

    /// <summary>What happens after it was signed: throwing loses the answer.</summary>
    public Func<CertificateOrder, CancellationToken, Task>? AfterSigning { get; set; }

    /// <summary>What is signed instead of what was ordered.</summary>
    public Func<CertificateOrder, CertificateOrder>? Falsify { get; set; }

    /// <summary>What it says of its chain; its root by default.</summary>
    public Func<IReadOnlyList<byte[]>>? Chain { get; set; }

    /// <summary>What happens to a revocation.</summary>
    public Action<RevocationOrder>? BeforeRevoking { get; set; }

    /// <summary>What it says of itself.</summary>
    public Func<IssuerHealth> Health { get; set; } = () => new IssuerHealth(true, "scripted");

    /// <summary>How often it was asked.</summary>
    public int Calls => calls;

    /// <summary>Every certificate that it signed, by serial number, given out or not.</summary>
    public IReadOnlyDictionary<string, byte[]> SignedBySerial => signed;

    /// <summary>What was revoked, by serial number.</summary>
    public IReadOnlyDictionary<string, RevocationReason> Revoked => revoked;

    /// <summary>The serial numbers that are valid.</summary>
    public IReadOnlyList<string> Living => [.. signed.Keys.Where(serial => !revoked.ContainsKey(serial))];

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref calls);
        cancellationToken.ThrowIfCancellationRequested();
        await (BeforeSigning?.Invoke(order, cancellationToken) ?? Task.CompletedTask);
        var certificate = Sign(Falsify?.Invoke(order) ?? order);
        signed[CertificateFields.Read(certificate).SerialText] = certificate;
        await (AfterSigning?.Invoke(order, cancellationToken) ?? Task.CompletedTask);
        return new SignedCertificate(certificate, [root.RawData]);
    }

    public Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken) =>
        Task.FromResult(Chain?.Invoke() ?? [root.RawData]);

    public Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken) => Task.FromResult(Health());

    public Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken)
    {
        BeforeRevoking?.Invoke(order);
        var serial = CertificateFields.Read(order.CertificateDer).SerialText;
        if (!signed.ContainsKey(serial))
        {
            throw new IssuerRefusedException($"{Name} does not know {serial}");
        }

        revoked.TryAdd(serial, order.Reason);
        return Task.CompletedTask;
    }

    private byte[] Sign(CertificateOrder order)
    {
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(order.PublicKeyInfoDer.Span, out _);
        var request = new CertificateRequest(NameOf(order.Subject), key, HashAlgorithmName.SHA256);
        var isRsa = key.Oid.Value == Oids.RsaEncryption;
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | (isRsa ? X509KeyUsageFlags.KeyEncipherment : 0), critical: true));
        OidCollection purposes = [new(Oids.ClientAuthentication)];
        if (order.Profile.ServerAuthentication)
        {
            purposes.Add(new Oid(Oids.ServerAuthentication));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: false));
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(authority);
        var names = new SubjectAlternativeNameBuilder();
        order.DnsNames.ToList().ForEach(names.AddDnsName);
        order.Uris.ToList().ForEach(uri => names.AddUri(new Uri(uri)));
        request.CertificateExtensions.Add(names.Build());
        using var rootKey = root.GetECDsaPrivateKey()!;
        var certificate = request.Create(
            root.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), order.NotBefore, order.NotAfter, SerialOf(order));
        return certificate.RawData;
    }

    private static X500DistinguishedName NameOf(CertificateSubject subject)
    {
        var name = new X500DistinguishedNameBuilder();
        Add(subject.Country, name.AddCountryOrRegion);
        Add(subject.Locality, text => name.AddLocalityName(text));
        Add(subject.Organization, text => name.AddOrganizationName(text));
        Add(subject.OrganizationalUnit, text => name.AddOrganizationalUnitName(text));
        name.AddCommonName(subject.CommonName);
        return name.Build();

        static void Add(string? text, Action<string> add)
        {
            if (!string.IsNullOrEmpty(text))
            {
                add(text);
            }
        }
    }

    private byte[] SerialOf(CertificateOrder order)
    {
        var serial = Capabilities.Repeatable
            ? SHA256.HashData([.. System.Text.Encoding.UTF8.GetBytes(order.OrderId), .. order.PublicKeyInfoDer.Span])[..SerialBytes]
            : RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace ControlPlane.TestKit;

/// <summary>The fake's PKI mount: signs by the rules of its roles, and refuses in Vault's words.</summary>
public sealed class FakeVaultPki(TestAuthority authority)
{
    private readonly ConcurrentDictionary<string, byte[]> _stored = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _revoked = new(StringComparer.Ordinal);
    private readonly Lock _listing = new();
    private int _issued;
    private int _listNumber;

    /// <summary>The roles by name; add more before the first order.</summary>
    public Dictionary<string, FakeVaultRole> Roles { get; } = new(StringComparer.Ordinal)
    {
        ["node"] = new FakeVaultRole { AllowedUriSans = "spiffe://example.net/" },
        ["stored"] = new FakeVaultRole { NoStore = false, AllowedUriSans = "spiffe://example.net/" },
        ["rsa"] = new FakeVaultRole { KeyType = "rsa", AllowedUriSans = "spiffe://example.net/" },
        ["ec"] = new FakeVaultRole { KeyType = "ec" },
        ["elsewhere"] = new FakeVaultRole { AllowedDomain = "elsewhere.example.org" },
        ["capped"] = new FakeVaultRole { MaxTtl = TimeSpan.Zero },
        ["forbidden"] = new FakeVaultRole { Allowed = false },
    };

    public TestAuthority Authority => authority;

    /// <summary>The mount's <c>max_lease_ttl</c>; Vault's default.</summary>
    public TimeSpan LeaseMax { get; set; } = TimeSpan.FromHours(768);

    /// <summary>Whether the policy of our tokens lets them read how the mount is tuned.</summary>
    public bool MayReadTune { get; set; } = true;

    /// <summary>How many certificates it made.</summary>
    public int Issued => _issued;

    /// <summary>The numbers of stored certificates.</summary>
    public ICollection<string> StoredSerials => _stored.Keys;

    public byte[]? Read(string serial) => _stored.GetValueOrDefault(serial.Replace('-', ':'));

    /// <summary>Answers <c>sign</c> and <c>sign-verbatim</c>: the <c>data</c> object, or Vault's refusal.</summary>
    public (JsonObject? Data, string Error) Sign(FakeVaultRole role, JsonObject body, bool verbatim, VaultTrick trick)
    {
        CertificateRequest request;
        try
        {
            // Verifies the proof of possession too, as Vault does.
            request = CertificateRequest.LoadSigningRequestPem(
                (string?)body["csr"] ?? "",
                HashAlgorithmName.SHA256,
                verbatim ? CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions : CertificateRequestLoadOptions.Default);
        }
        catch (Exception malformed) when (malformed is CryptographicException or ArgumentException or NotSupportedException)
        {
            return (null, "certificate request could not be parsed");
        }

        var names = NamesFor(role, body, request, verbatim);
        var error = KeyError(role, request.PublicKey) ?? names.Select(
            name => NameError(role, name, verbatim)).FirstOrDefault(e => e is not null);
        var uris = verbatim || role.UseCsrSans ? [] : ((string?)body["uri_sans"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        error ??= uris.Any(uri => role.AllowedUriSans is not { } allowed || !uri.StartsWith(allowed, StringComparison.Ordinal))
            ? "URI Subject Alternative Names were provided via the API which are not valid for this role"
            : null;
        var now = TimeProvider.System.GetUtcNow();
        var ttl = TimeSpan.FromSeconds(long.Parse(((string?)body["ttl"])!.TrimEnd('s'), CultureInfo.InvariantCulture));

        // As Vault: a role without max_ttl has the mount's, and what is beyond is cut off with no more than a warning.
        var most = role.MaxTtl > TimeSpan.Zero ? role.MaxTtl : LeaseMax;
        var notAfter = now + (ttl < most ? ttl : most);
        if (error is null && notAfter > authority.Certificate.NotAfter.ToUniversalTime())
        {
            error = $"cannot satisfy request, as TTL would result in notAfter of {notAfter:u} that is beyond the expiration of the CA certificate";
        }

        if (error is not null)
        {
            return (null, error);
        }

        var subject = verbatim ? request.SubjectName : new X500DistinguishedName($"CN={names[0]}, O={role.Organization}");
        var leaf = new TestLeaf(subject, request.PublicKey, now - role.NotBeforeDuration, notAfter)
        {
            DnsNames = names,
            Uris = uris,
            Usages = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.KeyAgreement,
        };
        return (Answer(Spoil(leaf, trick).Sign(authority), role), "");
    }

    /// <summary>Answers <c>revoke</c>: when it was revoked, or Vault's refusal.</summary>
    public (DateTimeOffset? At, string Error) Revoke(JsonObject body)
    {
        var serial = ((string?)body["serial_number"])?.Replace('-', ':');
        var pem = (string?)body["certificate"];
        if (serial is null == pem is null)
        {
            return (null, "exactly one of serial_number or certificate must be provided");
        }

        if (pem is not null)
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            if (!certificate.IssuerName.RawData.AsSpan().SequenceEqual(authority.Certificate.SubjectName.RawData))
            {
                return (null, "certificate was not issued by a known issuer");
            }

            serial = SerialOf(certificate);
        }
        else if (!_stored.ContainsKey(serial!))
        {
            return (null, $"certificate with serial {serial} not found.");
        }

        return (_revoked.GetOrAdd(serial!, _ => TimeProvider.System.GetUtcNow()), "");
    }

    /// <summary>The revocation list, DER, built anew.</summary>
    public byte[] RevocationList()
    {
        lock (_listing)
        {
            var builder = new CertificateRevocationListBuilder();
            foreach (var (serial, at) in _revoked)
            {
                builder.AddEntry(Convert.FromHexString(serial.Replace(":", "", StringComparison.Ordinal)), at);
            }

            var identifier = X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority.Certificate, true, false);
            return builder.Build(
                authority.Certificate.SubjectName,
                authority.Signer(),
                new BigInteger(++_listNumber),
                TimeProvider.System.GetUtcNow().AddDays(3),
                HashAlgorithmName.SHA256,
                identifier);
        }
    }

    private JsonObject Answer(byte[] der, FakeVaultRole role)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        var serial = SerialOf(certificate);
        Interlocked.Increment(ref _issued);
        if (!role.NoStore)
        {
            _stored[serial] = der;
        }

        return new JsonObject
        {
            ["certificate"] = certificate.ExportCertificatePem(),
            ["issuing_ca"] = authority.Certificate.ExportCertificatePem(),
            ["ca_chain"] = ChainJson(),
            ["serial_number"] = serial,
            ["expiration"] = new DateTimeOffset(certificate.NotAfter.ToUniversalTime()).ToUnixTimeSeconds(),
        };
    }

    /// <summary>The chain as Vault writes it.</summary>
    public JsonArray ChainJson() => [.. authority.Chain.Select(der => JsonValue.Create(PemEncoding.WriteString("CERTIFICATE", der)))];

    private static List<string> NamesFor(FakeVaultRole role, JsonObject body, CertificateRequest request, bool verbatim)
    {
        var requested = request.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == "2.5.4.3")
            .Select(part => part.GetSingleElementValue())
            .FirstOrDefault();
        if (verbatim)
        {
            return [
                .. request.CertificateExtensions.OfType<X509SubjectAlternativeNameExtension>()
                    .SelectMany(names => names.EnumerateDnsNames())
            ];
        }

        var commonName = role.UseCsrCommonName ? requested ?? (string?)body["common_name"] : (string?)body["common_name"];

        // With use_csr_sans the names that we send are passed over, silently but for a warning.
        var alternatives = role.UseCsrSans ? "" : (string?)body["alt_names"] ?? "";
        return [
            .. alternatives.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Prepend(commonName ?? "").Distinct(StringComparer.Ordinal)
        ];
    }

    private static string? NameError(FakeVaultRole role, string name, bool verbatim) =>
        verbatim || name.EndsWith($".{role.AllowedDomain}", StringComparison.Ordinal)
            ? null
            : $"common name {name} not allowed by this role";

    private static string? KeyError(FakeVaultRole role, PublicKey key)
    {
        using var rsa = key.GetRSAPublicKey();
        return role.KeyType switch
        {
            "rsa" when rsa is null => "role requires keys of type rsa",
            "ec" when rsa is not null => "role requires keys of type ec",
            _ when rsa is { KeySize: < 2048 } => "RSA keys < 2048 bits are unsafe and not supported",
            _ => null,
        };
    }

    private static TestLeaf Spoil(TestLeaf leaf, VaultTrick trick) => trick switch
    {
        VaultTrick.OtherKey => leaf with { Key = new PublicKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) },
        VaultTrick.NoNames => leaf with { DnsNames = [] },
        VaultTrick.Authority => leaf with { IsAuthority = true, Usages = leaf.Usages | X509KeyUsageFlags.KeyCertSign },
        VaultTrick.Past => leaf with { NotBefore = leaf.NotBefore.AddDays(-9), NotAfter = leaf.NotBefore.AddDays(-8) },
        _ => leaf,
    };

    private static string SerialOf(X509Certificate2 certificate) =>
        BitConverter.ToString(certificate.SerialNumberBytes.ToArray()).Replace('-', ':').ToLowerInvariant();
}

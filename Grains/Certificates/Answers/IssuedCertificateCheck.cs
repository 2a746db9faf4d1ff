using System.Formats.Asn1;

namespace ControlPlane.Certificates;

/// <summary>Decides whether what a CA answered is what was ordered, before anyone believes it. Pure.</summary>
/// <remarks>
/// This is what catches a wrong role or profile at the CA, a swapped key version, and an answer to someone else's request.
/// </remarks>
internal static class IssuedCertificateCheck
{
    private const int SerialBytesMin = 8;
    private const int SerialBytesMax = 20;

    // Usages that Vault's and cfssl's stock profiles add and that give a node no power it should not have.
    private const KeyUsages Allowed = KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment | KeyUsages.KeyAgreement;

    // A CA rounds to the minute, and its clock is not ours.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BackdateMax = TimeSpan.FromHours(1) + ClockTolerance;

    /// <summary>Everything that is wrong, each a phrase that follows "the certificate"; empty when it may be believed.</summary>
    public static IReadOnlyList<string> Faults(
        CertificateOrder order,
        CertificateFields certificate,
        IssuerTrust trust,
        IssuerCapabilities capabilities,
        DateTimeOffset now)
    {
        var faults = new List<string>();
        try
        {
            AddKeyAndNameFaults(faults, order, certificate, capabilities);
            AddUsageFaults(faults, order, certificate);
            AddValidityFaults(faults, order, certificate, capabilities, trust, now);
            AddSerialFaults(faults, certificate.SerialNumber.Span);
        }
        catch (AsnContentException malformed)
        {
            faults.Add($"holds an extension that cannot be read ({malformed.Message})");
        }

        if (trust.Fault(certificate, now) is { } untrusted)
        {
            faults.Add(untrusted);
        }

        return faults;
    }

    private static void AddKeyAndNameFaults(
        List<string> faults, CertificateOrder order, CertificateFields certificate, IssuerCapabilities capabilities)
    {
        if (!certificate.PublicKeyInfo.Span.SequenceEqual(order.PublicKeyInfoDer.Span))
        {
            faults.Add("is for another key");
        }

        var names = certificate.Find(CertificateOids.SubjectAlternativeName) is { } extension
            ? CertificateExtension.ReadNames(extension.Value)
            : [];
        var expectedNames = order.Uris.Count == 0 ? order.DnsNames : [.. order.DnsNames, .. order.Uris.Select(uri => $"uri:{uri}")];
        if (!names.Order(StringComparer.Ordinal).SequenceEqual(expectedNames.Order(StringComparer.Ordinal)))
        {
            faults.Add($"has the names [{string.Join(", ", names)}] instead of [{string.Join(", ", expectedNames)}]");
        }

        // A CA that sets the subject by itself (a Vault role) is held to the common name only.
        var ordered = Attributes(order.Subject);
        var subject = NameAttribute.ReadAll(certificate.Subject)
            .Where(attribute => capabilities.PerRequestSubject || attribute.Oid == CertificateOids.CommonName);
        var expected = capabilities.PerRequestSubject ? ordered : ordered.Take(1);
        if (!subject.OrderBy(a => a.Oid, StringComparer.Ordinal).SequenceEqual(expected.OrderBy(a => a.Oid, StringComparer.Ordinal)))
        {
            faults.Add("has another subject than was ordered");
        }
    }

    private static void AddUsageFaults(List<string> faults, CertificateOrder order, CertificateFields certificate)
    {
        var usages = certificate.Find(CertificateOids.KeyUsage) is { } usage
            ? CertificateExtension.ReadKeyUsages(usage.Value)
            : KeyUsages.None;
        var isRsa = PublicKeyReader.Read(order.PublicKeyInfoDer) is PublicKeyParts.Rsa;
        var needed = isRsa ? KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment : KeyUsages.DigitalSignature;
        if ((usages & needed) != needed || (usages & ~Allowed) != 0)
        {
            faults.Add($"has the key usages {usages} instead of {needed}");
        }

        var purposes = ReadPurposes(certificate);
        string[] ordered = order.Profile.ServerAuthentication
            ? [CertificateOids.ServerAuthentication, CertificateOids.ClientAuthentication]
            : [CertificateOids.ClientAuthentication];
        if (!purposes.Order(StringComparer.Ordinal).SequenceEqual(ordered.Order(StringComparer.Ordinal)))
        {
            faults.Add($"has the purposes [{string.Join(", ", purposes)}] instead of [{string.Join(", ", ordered)}]");
        }

        if (certificate.Find(CertificateOids.BasicConstraints) is { } constraints
            && CertificateExtension.SaysCertificateAuthority(constraints.Value))
        {
            faults.Add("is a CA");
        }

        faults.AddRange(
            certificate.Extensions.Where(IsUnknownCritical).Select(unknown => $"has the unknown critical extension {unknown.Oid}"));
    }

    private static void AddValidityFaults(
        List<string> faults,
        CertificateOrder order,
        CertificateFields certificate,
        IssuerCapabilities capabilities,
        IssuerTrust trust,
        DateTimeOffset now)
    {
        if (certificate.NotBefore > now || certificate.NotAfter <= now)
        {
            faults.Add($"is valid from {certificate.NotBefore:u} to {certificate.NotAfter:u}, which is not now ({now:u})");
        }

        var earliest = order.NotBefore < now - BackdateMax ? order.NotBefore : now - BackdateMax;
        if (certificate.NotBefore < earliest || certificate.NotAfter > order.NotAfter + ClockTolerance)
        {
            faults.Add($"is valid for longer than was ordered, until {certificate.NotAfter:u}");
        }

        // A CA with lifetimes of its own may give less than the profile's, which is then only the most that we accept.
        var orderedEnd = order.NotAfter < trust.IssuerNotAfter ? order.NotAfter : trust.IssuerNotAfter;
        if (capabilities.PerRequestLifetime && certificate.NotAfter < orderedEnd - ClockTolerance)
        {
            faults.Add($"ends {certificate.NotAfter:u}, before {orderedEnd:u} as was ordered");
        }
    }

    private static void AddSerialFaults(List<string> faults, ReadOnlySpan<byte> serial)
    {
        var significant = serial.TrimStart((byte)0).Length;
        if (serial[0] >= 0x80 || significant < SerialBytesMin || serial.Length > SerialBytesMax)
        {
            faults.Add($"has a serial number that is not positive, of {SerialBytesMin} to {SerialBytesMax} bytes");
        }
    }

    private static bool IsUnknownCritical(CertificateExtension extension) =>
        extension.Critical && extension.Oid is not (CertificateOids.KeyUsage or CertificateOids.ExtendedKeyUsage
            or CertificateOids.BasicConstraints or CertificateOids.SubjectAlternativeName or CertificateOids.CertificatePolicies);

    private static List<string> ReadPurposes(CertificateFields certificate)
    {
        var purposes = new List<string>();
        if (certificate.Find(CertificateOids.ExtendedKeyUsage) is { } extension)
        {
            var content = new AsnReader(extension.Value, AsnEncodingRules.DER).ReadSequence();
            while (content.HasData)
            {
                purposes.Add(content.ReadObjectIdentifier());
            }
        }

        return purposes;
    }

    private static List<NameAttribute> Attributes(CertificateSubject subject)
    {
        (string Oid, string? Value)[] all =
        [
            (CertificateOids.CommonName, subject.CommonName),
            (CertificateOids.Country, subject.Country),
            (CertificateOids.Locality, subject.Locality),
            (CertificateOids.Organization, subject.Organization),
            (CertificateOids.OrganizationalUnit, subject.OrganizationalUnit),
        ];
        return [.. all.Where(attribute => !string.IsNullOrEmpty(attribute.Value)).Select(a => new NameAttribute(a.Oid, a.Value!))];
    }
}

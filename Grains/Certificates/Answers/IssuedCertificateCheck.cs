using System.Formats.Asn1;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Decides whether what a CA answered is what was ordered, before anyone believes it. Pure.</summary>
/// <remarks>
/// This is what catches a wrong role or profile at the CA, a swapped key version, and an answer to someone else's request.
/// </remarks>
internal static class IssuedCertificateCheck
{
    private const int SerialBytesMax = 20;

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

        var names = certificate.Find(Oids.SubjectAlternativeName) is { } extension
            ? CertificateExtension.ReadNames(extension.Value)
            : [];
        var expectedNames = order.Uris.Count == 0 ? order.DnsNames : [.. order.DnsNames, .. order.Uris.Select(uri => $"uri:{uri}")];
        if (!names.Order(StringComparer.Ordinal).SequenceEqual(expectedNames.Order(StringComparer.Ordinal)))
        {
            faults.Add($"has the names [{string.Join(", ", names)}] instead of [{string.Join(", ", expectedNames)}]");
        }

        AddSubjectFaults(faults, order, certificate, capabilities);
    }

    private static void AddSubjectFaults(
        List<string> faults, CertificateOrder order, CertificateFields certificate, IssuerCapabilities capabilities)
    {
        var ordered = order.Subject.ToAttributes();
        var subject = NameEntry.ReadAll(certificate.Subject);
        if (capabilities.PerRequestSubject)
        {
            if (!Sorted(subject).SequenceEqual(Sorted(ordered)))
            {
                faults.Add("has another subject than was ordered");
            }

            return;
        }

        // A CA that sets the subject by itself (a Vault role, a helper) is held to the common name, and to taking nothing from the request.
        var names = subject.Where(attribute => attribute.Oid == Oids.CommonName);
        if (!names.SequenceEqual(ordered.TakeLast(1)))
        {
            faults.Add("has another subject than was ordered");
        }

        var asked = SigningRequestReader.ReadSubject(order.SigningRequestDer);
        faults.AddRange(subject.Except(ordered).Intersect(asked)
            .Select(copied => $"has the subject attribute {copied.Oid} that only the signing request asks for"));
    }

    private static IEnumerable<NameEntry> Sorted(IEnumerable<NameEntry> attributes) =>
        attributes.OrderBy(attribute => attribute.Oid, StringComparer.Ordinal).ThenBy(attribute => attribute.Value, StringComparer.Ordinal);

    private static void AddUsageFaults(List<string> faults, CertificateOrder order, CertificateFields certificate)
    {
        var usages = certificate.Find(Oids.KeyUsage) is { } usage
            ? CertificateExtension.ReadKeyUsages(usage.Value)
            : KeyUsages.None;
        var needed = NodeUsages.NeededFor(PublicKeyReader.Read(order.PublicKeyInfoDer));
        if (!NodeUsages.Fit(usages, needed))
        {
            faults.Add($"has the key usages {usages} instead of {needed}");
        }

        var purposes = certificate.Find(Oids.ExtendedKeyUsage) is { } extended
            ? CertificateExtension.ReadPurposes(extended.Value)
            : [];
        var ordered = NodeUsages.PurposesOf(order.Profile);
        if (!purposes.Order(StringComparer.Ordinal).SequenceEqual(ordered.Order(StringComparer.Ordinal)))
        {
            faults.Add($"has the purposes [{string.Join(", ", purposes)}] instead of [{string.Join(", ", ordered)}]");
        }

        if (certificate.Find(Oids.BasicConstraints) is { } constraints
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

    // How many bytes a number has says nothing of how it was made: of 64 random bits, one number in 128 is shorter, and a CA that
    // counts makes short ones. Browsers' rule of 64 random bits is against forged SHA-1; here each signature is by SHA-256 or more.
    private static void AddSerialFaults(List<string> faults, ReadOnlySpan<byte> serial)
    {
        if (serial[0] >= 0x80 || serial.TrimStart((byte)0).IsEmpty || serial.Length > SerialBytesMax)
        {
            faults.Add($"has a serial number that is not positive, or of more than {SerialBytesMax} bytes");
        }
    }

    private static bool IsUnknownCritical(CertificateExtension extension) =>
        extension.Critical && extension.Oid is not (Oids.KeyUsage or Oids.ExtendedKeyUsage
            or Oids.BasicConstraints or Oids.SubjectAlternativeName or Oids.CertificatePolicies);
}

using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>One CA certificate with its key.</summary>
internal sealed class Authority(X509Certificate2 certificate, SigningKey key)
{
    /// <summary>DER.</summary>
    public byte[] Certificate { get; } = certificate.RawData;

    /// <summary>Its name, DER, as issued certificates must repeat it byte for byte.</summary>
    public byte[] Name { get; } = certificate.SubjectName.RawData;

    public byte[] KeyIdentifier { get; } = CertificateWriter.KeyIdentifierOf(certificate);

    public DateTimeOffset NotBefore { get; } = certificate.NotBefore.ToUniversalTime();

    public DateTimeOffset NotAfter { get; } = certificate.NotAfter.ToUniversalTime();

    public SigningKey Key { get; } = key;

    /// <summary>Whether a certificate says that it comes from here; who revokes what we never issued harms no one.</summary>
    public bool HasIssued(X509Certificate2 issued) =>
        issued.IssuerName.RawData.AsSpan().SequenceEqual(Name)
        && issued.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier is { } identifier
        && identifier.Span.SequenceEqual(KeyIdentifier);
}

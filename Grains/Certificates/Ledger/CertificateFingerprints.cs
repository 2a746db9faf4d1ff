using System.Security.Cryptography;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>What names a certificate when its bytes are not at hand.</summary>
internal static class CertificateFingerprints
{
    /// <summary>The certificate, DER.</summary>
    public static byte[] Der(this IssuedCertificate certificate) =>
        PemCertificates.ReadDer(certificate.CertificatePem)[0];

    /// <summary>Lower-case hexadecimal SHA-256 of the certificate; empty when the text is none.</summary>
    public static string CertificateFingerprint(this IssuedCertificate certificate) =>
        certificate.CertificatePem.StartsWith("-----BEGIN", StringComparison.Ordinal)
            ? Convert.ToHexStringLower(SHA256.HashData(certificate.Der())) : "";
}

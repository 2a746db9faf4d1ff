namespace ControlPlane.Certificates;

/// <summary>A certificate by what names it and when it ends; the ledger of its issuer has it whole.</summary>
/// <param name="Issuer">The name of the issuer (CA backend) that signed it.</param>
/// <param name="SerialNumber">Upper-case hexadecimal, without separators or leading zeros.</param>
/// <param name="NotBefore">Start of validity.</param>
/// <param name="NotAfter">End of validity.</param>
/// <param name="PublicKeyFingerprint">Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.CertificateReference")]
public sealed record CertificateReference(
    [property: Id(0)] string Issuer,
    [property: Id(1)] string SerialNumber,
    [property: Id(2)] DateTimeOffset NotBefore,
    [property: Id(3)] DateTimeOffset NotAfter,
    [property: Id(4)] string PublicKeyFingerprint);

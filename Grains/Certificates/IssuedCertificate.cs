namespace ControlPlane.Certificates;

/// <summary>A certificate that a CA issued and that was checked against its order.</summary>
/// <param name="OrderId">The order it answers.</param>
/// <param name="Issuer">The name of the issuer (CA backend) that signed it.</param>
/// <param name="SerialNumber">Upper-case hexadecimal, without separators or leading zeros.</param>
/// <param name="CertificatePem">The node's certificate alone.</param>
/// <param name="ChainPem">The certificates a node trusts: issuing CA first, root last; what Choria calls <c>ca</c>.</param>
/// <param name="NotBefore">Start of validity.</param>
/// <param name="NotAfter">End of validity.</param>
/// <param name="PublicKeyFingerprint">Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.IssuedCertificate")]
public sealed record IssuedCertificate(
    [property: Id(0)] string OrderId,
    [property: Id(1)] string Issuer,
    [property: Id(2)] string SerialNumber,
    [property: Id(3)] string CertificatePem,
    [property: Id(4)] string ChainPem,
    [property: Id(5)] DateTimeOffset NotBefore,
    [property: Id(6)] DateTimeOffset NotAfter,
    [property: Id(7)] string PublicKeyFingerprint)
{
    /// <summary>What others keep of it.</summary>
    public CertificateReference ToReference() => new(Issuer, SerialNumber, NotBefore, NotAfter, PublicKeyFingerprint);
}

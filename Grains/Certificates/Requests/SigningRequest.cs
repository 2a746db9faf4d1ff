namespace ControlPlane.Certificates;

/// <summary>A PKCS#10 request that was read, and whose key its sender has proven to hold.</summary>
/// <param name="CommonName">The identity that it names.</param>
/// <param name="Der">The request as received.</param>
/// <param name="PublicKeyInfoDer">Its SubjectPublicKeyInfo.</param>
/// <param name="PublicKeyFingerprint">Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo.</param>
/// <param name="Digest">Lower-case hexadecimal SHA-256 of the request.</param>
internal sealed record SigningRequest(
    string CommonName,
    ReadOnlyMemory<byte> Der,
    ReadOnlyMemory<byte> PublicKeyInfoDer,
    string PublicKeyFingerprint,
    string Digest);

using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>A <see cref="ScriptedIssuer"/> that lists what it signed.</summary>
public sealed class ListingIssuer : ScriptedIssuer, IIssuedCertificateCatalog
{
    public ListingIssuer(string name)
        : base(name) => Capabilities = Capabilities with { KeepsIssued = true };

    public Task<IReadOnlyList<string>> ListSerialNumbersAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([.. SignedBySerial.Keys]);

    public Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken) =>
        Task.FromResult(SignedBySerial.GetValueOrDefault(serialNumber));

    public Task<byte[]?> FindAsync(CertificateOrder order, CancellationToken cancellationToken) => Task.FromResult(
        SignedBySerial.Values.FirstOrDefault(
            certificate => CertificateFields.Read(certificate).PublicKeyInfo.Span.SequenceEqual(order.PublicKeyInfoDer.Span)));
}

using System.Runtime.CompilerServices;

namespace ControlPlane.Certificates;

/// <summary>A <see cref="ScriptedIssuer"/> that lists what it signed.</summary>
public sealed class ListingIssuer(string name) : ScriptedIssuer(name), IIssuedCertificateCatalog
{
    public Task<IReadOnlyList<string>> ListSerialNumbersAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([.. SignedBySerial.Keys]);

    public Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken) =>
        Task.FromResult(SignedBySerial.GetValueOrDefault(serialNumber));

    public async IAsyncEnumerable<byte[]> ListIssuedAsync(
        DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var certificate in SignedBySerial.Values)
        {
            await Task.CompletedTask;
            cancellationToken.ThrowIfCancellationRequested();
            yield return certificate;
        }
    }
}

using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>A Vault whose role stores what it signs: it knows certificates by their numbers and can list them.</summary>
internal sealed partial class StoringVaultIssuer(string name, VaultOptions options, VaultParts vault, TimeProvider time)
    : VaultIssuer(name, options, vault, time), IIssuedCertificateCatalog
{
    public override IssuerCapabilities Capabilities => base.Capabilities with { RevokesBySerial = true };

    public async IAsyncEnumerable<byte[]> ListIssuedAsync(
        DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Vault lists numbers only, so that each certificate is a call: this is for reconciliation, not for pages.
        foreach (var serialNumber in await Pki.ListAsync(cancellationToken))
        {
            if (await Pki.ReadAsync(serialNumber, cancellationToken) is { } der && BeganSince(der, since))
            {
                yield return der;
            }
        }
    }

    public async Task<IReadOnlyList<string>> ListSerialNumbersAsync(CancellationToken cancellationToken) =>
        [.. (await Pki.ListAsync(cancellationToken))
            .Select(number => number.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant().TrimStart('0'))];

    // Vault names certificates by whole bytes.
    public Task<byte[]?> ReadAsync(string serialNumber, CancellationToken cancellationToken) =>
        Pki.ReadAsync(InPairs(serialNumber.Length % 2 == 0 ? serialNumber : $"0{serialNumber}"), cancellationToken);

    protected override VaultRevocation NameIn(ReadOnlyMemory<byte> certificate)
    {
        try
        {
            using var read = X509CertificateLoader.LoadCertificate(certificate.Span);
            return new VaultRevocation
            {
                SerialNumber = InPairs(Convert.ToHexString(read.SerialNumberBytes.Span)),
            };
        }
        catch (CryptographicException unreadable)
        {
            throw new IssuerRefusedException("what is to be revoked is not a certificate", unreadable);
        }
    }

    private static string InPairs(string hexadecimal) => Pairs().Replace(hexadecimal.ToLowerInvariant(), "$0:").TrimEnd(':');

    // A role backdates by minutes: what began an hour before may have been made since.
    private bool BeganSince(byte[] der, DateTimeOffset since)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der);
            return new DateTimeOffset(certificate.NotBefore.ToUniversalTime()) >= since - TimeSpan.FromHours(1);
        }
        catch (CryptographicException foreign)
        {
            throw new IssuerMisconfiguredException($"Vault {Name} lists something that is not a certificate", foreign);
        }
    }

    [GeneratedRegex("..")]
    private static partial Regex Pairs();
}

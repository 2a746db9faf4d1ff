using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Azure.Security.KeyVault.Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Builds certificates itself and has them signed by a key that never leaves an Azure Key Vault.</summary>
internal sealed class KeyVaultIssuer(string name, KeyVaultOptions options, KeyVaultClient client, VaultBudget budget, TimeProvider time)
    : ICertificateIssuer, IDisposable
{
    private const int WindowsPerMinute = 6;

    private readonly SemaphoreSlim opening = new(1, 1);
    private volatile KeyVaultAuthority? opened;

    public string Name => name;

    public IssuerCapabilities Capabilities => new(
        PerRequestSubject: true,
        PerRequestNames: true,
        PerRequestLifetime: true,
        PerRequestUsages: true,

        // A vault knows nothing of what its keys signed.
        RevokesBySerial: false,
        RevokesByCertificate: false,
        PublishesRevocationList: false,
        CertificatesPerMinuteMax: (opened?.Limit ?? options.SignaturesPerTenSeconds) * WindowsPerMinute)
    {
        PerRequestUris = true,
    };

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var authority = await OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (authority.Certificate.NotAfter.ToUniversalTime() <= now)
        {
            throw new IssuerMisconfiguredException(
                $"the CA certificate of {name} ended {authority.Certificate.NotAfter.ToUniversalTime():u}");
        }

        if (order.NotAfter <= now)
        {
            throw new IssuerRefusedException($"the certificate of order {order.OrderId} would have ended {order.NotAfter:u}");
        }

        var body = LeafBody.Build(order, authority);
        var digest = CryptographicOperations.HashData(authority.Digest, body);
        await TakeTurnAsync(authority, cancellationToken);
        try
        {
            var signature = await client.SignAsync(authority, digest, cancellationToken);
            return new SignedCertificate(LeafBody.Join(body, signature, authority), authority.Chain);
        }
        catch (IssuerThrottledException busy)
        {
            budget.Pause(busy.RetryAfter);
            throw;
        }
    }

    public async Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken) =>
        (await OpenAsync(cancellationToken)).Chain;

    public async Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var authority = await OpenAsync(cancellationToken);
            var (current, _) = await client.GetCertificateAsync(cancellationToken);
            var end = authority.Certificate.NotAfter.ToUniversalTime();
            return (current.Properties.Enabled, end <= time.GetUtcNow(), current.KeyId == authority.KeyId) switch
            {
                (false, _, _) => new IssuerHealth(false, "the CA certificate is disabled in the vault"),
                (_, true, _) => new IssuerHealth(false, $"the CA certificate ended {end:u}"),
                (_, _, false) =>
                    new IssuerHealth(true, $"the vault has a newer version than {authority.KeyId}, which signs until the next start"),
                _ => new IssuerHealth(true, $"signs by {authority.SignatureName} until {end:u}"),
            };
        }
        catch (Exception unusable) when (unusable is IssuerMisconfiguredException or IssuerUnavailableException or IssuerThrottledException)
        {
            return new IssuerHealth(false, unusable.Message);
        }
    }

    public void Dispose()
    {
        opening.Dispose();
        client.Dispose();
    }

    private async Task TakeTurnAsync(KeyVaultAuthority authority, CancellationToken cancellationToken)
    {
        if (!budget.TryTake(authority.Limit, options.TurnWaitMax, out var wait))
        {
            throw new IssuerThrottledException($"the budget of the vault of {name} is used up", wait);
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellationToken);
        }
    }

    /// <summary>Reads the CA's certificate once: a vault allows few reads, and a version does not change.</summary>
    private async Task<KeyVaultAuthority> OpenAsync(CancellationToken cancellationToken)
    {
        if (opened is { } already)
        {
            return already;
        }

        await opening.WaitAsync(cancellationToken);
        try
        {
            return opened ??= await ReadAsync(cancellationToken);
        }
        finally
        {
            opening.Release();
        }
    }

    private async Task<KeyVaultAuthority> ReadAsync(CancellationToken cancellationToken)
    {
        var (certificate, policy) = await client.GetCertificateAsync(cancellationToken);
        try
        {
            var above = options.ChainFile is { } chain ? PemCertificates.ReadFile(chain) : [];

            // Of a version that was asked for, the vault does not say where the key is; the lower limit is the safe one.
            var inHsm =
                policy?.KeyType is null || policy.KeyType == CertificateKeyType.RsaHsm || policy.KeyType == CertificateKeyType.EcHsm;
            return new KeyVaultAuthority(
                X509CertificateLoader.LoadCertificate(certificate.Cer),
                certificate.KeyId,
                inHsm,
                options.SignaturesPerTenSeconds,
                [.. above.Select(one => one.RawData)]);
        }
        catch (Exception unreadable) when (
            unreadable is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new IssuerMisconfiguredException(
                $"the certificate of {name} in the vault, or {options.ChainFile}, cannot be read: {unreadable.Message}", unreadable);
        }
    }
}

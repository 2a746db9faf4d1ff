using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Signs with a CA key that the silo holds itself.</summary>
internal sealed class LocalCaIssuer(string name, LocalCaOptions options, TimeProvider time)
    : ICertificateIssuer, ICertificateRevoker, ICertificateRevocationListSource, IDisposable
{
    private static readonly TimeSpan ReloadInterval = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim loading = new(1, 1);
    private readonly RevocationJournal journal = new(options.DataFolder);
    private readonly RevocationListCache lists = new(options, time);
    private volatile Opened? opened;

    public string Name => name;

    public IssuerCapabilities Capabilities { get; } = new(
        PerRequestSubject: true,
        PerRequestNames: true,
        PerRequestLifetime: true,
        PerRequestUsages: true,
        RevokesBySerial: true,
        RevokesByCertificate: true,
        PublishesRevocationList: true,
        CertificatesPerMinuteMax: null)
    {
        Repeatable = true,
        PerRequestUris = true,
    };

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var current = await OpenAsync(cancellationToken);

        // Who signed when it was ordered, signs: a repeated order gets the same certificate although the CA was renewed meanwhile.
        var signer = current.Generations.SignerAt(order.NotBefore + order.Profile.Backdate);
        if (signer.NotAfter <= time.GetUtcNow())
        {
            throw new IssuerMisconfiguredException($"the CA certificate of {name} ended {signer.NotAfter:u}");
        }

        return new SignedCertificate(
            await InTurn(() => LeafWriter.Sign(order, signer, options.RevocationListUrl), cancellationToken), current.Chain);
    }

    public async Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken) =>
        (await OpenAsync(cancellationToken)).Chain;

    public async Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var generations = (await OpenAsync(cancellationToken)).Generations;
            var now = time.GetUtcNow();
            var signer = generations.SignerAt(now);
            if (signer.NotAfter <= now)
            {
                return new IssuerHealth(false, $"the CA certificate ended {signer.NotAfter:u}");
            }

            return new IssuerHealth(true, generations.ShouldPrepareNext(now)
                ? $"the CA certificate ends {signer.NotAfter:u} and its successor cannot be made without the root's key"
                : $"the CA certificate ends {signer.NotAfter:u}");
        }
        catch (Exception unusable) when (unusable is IssuerMisconfiguredException or IssuerUnavailableException)
        {
            return new IssuerHealth(false, unusable.Message);
        }
    }

    public async Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken)
    {
        var generations = (await OpenAsync(cancellationToken)).Generations;
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(order.CertificateDer.Span);
            var authority = generations.All.FirstOrDefault(one => one.HasIssued(certificate))
                ?? throw new IssuerRefusedException($"{name} did not issue the certificate {certificate.SerialNumber}");
            await journal.AppendAsync(
                new RevokedCertificate(
                    certificate.SerialNumber,
                    Convert.ToHexString(authority.KeyIdentifier),
                    time.GetUtcNow(),
                    order.Reason,
                    certificate.NotAfter.ToUniversalTime()),
                cancellationToken);
        }
        catch (CryptographicException unreadable)
        {
            throw new IssuerRefusedException("what is to be revoked is not a certificate", unreadable);
        }
    }

    public async Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken) =>
        await lists.GetAsync((await OpenAsync(cancellationToken)).Generations, journal, cancellationToken);

    public void Dispose()
    {
        loading.Dispose();
        journal.Dispose();
        lists.Dispose();
    }

    // Up to 6 ms of work, that the caller's scheduler is spared. First come, first served: the pool by itself takes what was queued last,
    // so that under load an order would wait for as long as others keep coming.
    private static Task<byte[]> InTurn(Func<byte[]> sign, CancellationToken cancellationToken) => Task.Factory.StartNew(
        sign, cancellationToken, TaskCreationOptions.PreferFairness | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private ValueTask<Opened> OpenAsync(CancellationToken cancellationToken) =>
        opened is { } current && time.GetUtcNow() < current.Until ? ValueTask.FromResult(current) : new(ReopenAsync(cancellationToken));

    // Once a minute the folder is asked again: another silo may have made the next intermediate, it is due now, or one is held.
    private async Task<Opened> ReopenAsync(CancellationToken cancellationToken)
    {
        await loading.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (opened is { } current && now < current.Until)
            {
                return current;
            }

            var folder = new AuthorityFolder(name, options, time);
            var generations =
                opened is { } before && !before.Generations.ShouldPrepareNext(now) && before.Generations.Held.SetEquals(folder.ReadHeld())
                ? before.Generations
                : await folder.OpenAsync(cancellationToken);
            return opened = new Opened(generations, generations.ChainAt(now), now + ReloadInterval);
        }
        finally
        {
            loading.Release();
        }
    }

    private sealed record Opened(AuthorityGenerations Generations, IReadOnlyList<byte[]> Chain, DateTimeOffset Until);
}

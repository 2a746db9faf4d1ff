using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Signs through a <c>cfssl serve</c>: <c>POST sign</c>, or <c>authsign</c> when there is a key for it.</summary>
internal class CfsslIssuer : ICertificateIssuer, ICertificateProfileCheck, IDisposable
{
    private readonly byte[]? authKey;
    private readonly IReadOnlyList<byte[]> chain;
    private readonly SemaphoreSlim verifying = new(1, 1);
    private volatile bool verified;

    public CfsslIssuer(string name, CfsslOptions options, TimeProvider time)
    {
        Name = name;
        Options = options;
        authKey = CfsslFiles.ReadAuthKey(options.AuthKeyFile);
        chain = CfsslFiles.ReadChain(options.ChainFile);
        Client = new CfsslClient(name, options, time);
        Setup = new CfsslSetup(name, options, chain, Client);
    }

    public string Name { get; }

    public virtual IssuerCapabilities Capabilities { get; } = new(
        PerRequestSubject: true,
        PerRequestNames: true,

        // Lifetime and usages are the profile's: cfssl's HTTP handler drops those of a request.
        PerRequestLifetime: false,
        PerRequestUsages: false,
        RevokesBySerial: false,
        RevokesByCertificate: false,
        PublishesRevocationList: false,
        CertificatesPerMinuteMax: null);

    protected CfsslOptions Options { get; }

    protected CfsslClient Client { get; }

    internal CfsslSetup Setup { get; }

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        await VerifyAsync(cancellationToken);
        var answer = await OrderAsync(order, cancellationToken);
        if (answer.Result is not { } result)
        {
            throw CfsslFault.OfOrder(Name, answer);
        }

        try
        {
            return new SignedCertificate(PemCertificates.ReadDer(result.GetProperty("certificate").GetString() ?? "")[0], []);
        }
        catch (Exception foreign) when (
            foreign is KeyNotFoundException or InvalidOperationException or CryptographicException)
        {
            // It says that it signed: whatever it signed is out there.
            throw new IssuerOutcomeUnknownException($"cfssl {Name} answered success and no certificate", foreign);
        }
    }

    public Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken) => Task.FromResult(chain);

    public async Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await VerifyAsync(cancellationToken);
            var profile = await Setup.AskAsync(cancellationToken);
            return new IssuerHealth(true, $"profile {Options.Profile}: {profile.Usages}; {profile.Expiry}");
        }
        catch (Exception unusable) when (unusable is IssuerMisconfiguredException or IssuerUnavailableException or IssuerThrottledException)
        {
            return new IssuerHealth(false, unusable.Message);
        }
    }

    public async Task<IReadOnlyList<string>> FindFaultsAsync(CertificateProfile profile, CancellationToken cancellationToken)
    {
        await VerifyAsync(cancellationToken);
        return (await Setup.AskAsync(cancellationToken)).FaultsFor(profile);
    }

    /// <summary>Checks once that the CA is what it is configured to be; when it was away, again at the next call.</summary>
    internal async Task VerifyAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (verified)
        {
            return;
        }

        await verifying.WaitAsync(cancellationToken);
        try
        {
            if (!verified)
            {
                await Setup.VerifyAsync(cancellationToken);
                verified = true;
            }
        }
        finally
        {
            verifying.Release();
        }
    }

    public void Dispose()
    {
        verifying.Dispose();
        Client.Dispose();
        GC.SuppressFinalize(this);
    }

    private Task<CfsslAnswer> OrderAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        var subject = order.Subject;
        var body = new SignBody(
            PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span),
            order.DnsNames,
            new SubjectBody(
                subject.CommonName,
                [new NameBody(subject.Country, subject.Locality, subject.Organization, subject.OrganizationalUnit)]),
            Options.Profile,
            Options.Label);
        if (authKey is null)
        {
            return Client.PostAsync("sign", body, cancellationToken);
        }

        // The proof is over these bytes, so that they are made once and sent as they are.
        var inner = JsonSerializer.SerializeToUtf8Bytes(body);
        var token = Convert.ToBase64String(HMACSHA256.HashData(authKey, inner));
        return Client.PostAsync("authsign", new AuthenticatedBody(token, Convert.ToBase64String(inner)), cancellationToken);
    }
}

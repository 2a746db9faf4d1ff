using System.Globalization;
using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Signs through a <c>cfssl serve</c>: <c>POST sign</c>, or <c>authsign</c> when there is a key for it.</summary>
/// <remarks>One with a database marks what it issued as revoked; from version 1.6 it signs a list of that as well.</remarks>
internal sealed partial class CfsslIssuer :
    ICertificateIssuer, ICertificateRevoker, ICertificateRevocationListSource, ICertificateProfileCheck, IDisposable
{
    // cfssl reads all revoked rows and signs a list at each call.
    private static readonly TimeSpan ListKeptFor = TimeSpan.FromMinutes(1);

    private readonly CfsslOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<CfsslIssuer> logger;
    private readonly byte[]? authKey;
    private readonly IReadOnlyList<byte[]> chain;
    private readonly CfsslClient client;
    private readonly CfsslSetup setup;
    private readonly SemaphoreSlim verifying = new(1, 1);
    private volatile bool verified;
    private volatile Kept? kept;

    public CfsslIssuer(string name, CfsslOptions options, TimeProvider time, ILogger<CfsslIssuer> logger)
    {
        Name = name;
        (this.options, this.time, this.logger) = (options, time, logger);
        authKey = CfsslFiles.ReadAuthKey(options.AuthKeyFile);
        chain = CfsslFiles.ReadChain(options.ChainFile);
        client = new CfsslClient(name, options, time);
        setup = new CfsslSetup(name, options, chain, client);
        Capabilities = new IssuerCapabilities(
            PerRequestSubject: true,
            PerRequestNames: true,

            // Lifetime and usages are the profile's: cfssl's HTTP handler drops those of a request.
            PerRequestLifetime: false,
            PerRequestUsages: false,
            RevokesBySerial: options.Revocation is not CfsslRevocation.None,
            RevokesByCertificate: false,
            PublishesRevocationList: options.Revocation is CfsslRevocation.DatabaseAndList,
            CertificatesPerMinuteMax: null);
    }

    public string Name { get; }

    public IssuerCapabilities Capabilities { get; }

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        await EnsureVerifiedAsync(cancellationToken);
        var answer = await OrderAsync(order, cancellationToken);
        if (answer.Result is not { } result)
        {
            throw CfsslFault.OfOrder(Name, answer);
        }

        try
        {
            return new SignedCertificate(PemCertificates.ReadDer(result.GetProperty("certificate").GetString() ?? "")[0], []);
        }
        catch (Exception foreign) when (CaAnswer.IsForeign(foreign))
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
            await EnsureVerifiedAsync(cancellationToken);
            var profile = await setup.AskAsync(cancellationToken);
            return new IssuerHealth(true, $"profile {options.Profile}: {profile.Usages}; {profile.Expiry}");
        }
        catch (Exception unusable) when (unusable is IssuerMisconfiguredException or IssuerUnavailableException or IssuerThrottledException)
        {
            return new IssuerHealth(false, unusable.Message);
        }
    }

    public async Task<IReadOnlyList<string>> FindFaultsAsync(CertificateProfile profile, CancellationToken cancellationToken)
    {
        await EnsureVerifiedAsync(cancellationToken);
        return (await setup.AskAsync(cancellationToken)).FaultsFor(profile);
    }

    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        await EnsureVerifiedAsync(cancellationToken);
        if (await setup.OffersKeysAsync(cancellationToken))
        {
            LogOffersKeys(Name);
        }
    }

    public async Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken)
    {
        await EnsureVerifiedAsync(cancellationToken);
        var (serial, keyIdentifier) = NamesOf(order.CertificateDer);
        var answer = await client.AskAsync("revoke", new RevokeBody(serial, keyIdentifier, NameOf(order.Reason)), cancellationToken);

        // Version 1.2.0 stores every certificate without its CA's key identifier and then does not find it by that.
        if (CfsslFault.IsUnknownCertificate(answer))
        {
            answer = await client.AskAsync("revoke", new RevokeBody(serial, "", NameOf(order.Reason)), cancellationToken);
        }

        if (answer.Result is null)
        {
            var message = $"cfssl {Name} did not revoke {serial}: {answer}";
            throw answer.Status switch
            {
                _ when CfsslFault.IsUnknownCertificate(answer) => new IssuerRefusedException(message),
                HttpStatusCode.NotFound => new IssuerMisconfiguredException(message),
                _ => new IssuerUnavailableException(message),
            };
        }
    }

    public async Task<IReadOnlyList<byte[]>> GetRevocationListsAsync(CancellationToken cancellationToken)
    {
        await EnsureVerifiedAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (kept is { } current && now < current.Until)
        {
            return current.Lists;
        }

        var answer = await client.GetAsync("crl", cancellationToken);
        try
        {
            var list = answer.Result?.GetBytesFromBase64() ?? throw new IssuerUnavailableException($"cfssl {Name} answered {answer}");
            kept = new Kept([list], now + ListKeptFor);
            return [list];
        }
        catch (Exception foreign) when (CaAnswer.IsForeign(foreign))
        {
            throw new IssuerUnavailableException($"cfssl {Name} answered something that is not a revocation list", foreign);
        }
    }

    public void Dispose()
    {
        verifying.Dispose();
        client.Dispose();
    }

    /// <summary>Checks once that the CA is what it is configured to be; when it was away, again at the next call.</summary>
    private async Task EnsureVerifiedAsync(CancellationToken cancellationToken)
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
                await setup.VerifyAsync(cancellationToken);
                verified = true;
            }
        }
        finally
        {
            verifying.Release();
        }
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
            options.Profile,
            options.Label);
        if (authKey is null)
        {
            return client.PostAsync("sign", body, cancellationToken);
        }

        // The proof is over these bytes, so that they are made once and sent as they are.
        var inner = JsonSerializer.SerializeToUtf8Bytes(body);
        var token = Convert.ToBase64String(HMACSHA256.HashData(authKey, inner));
        return client.PostAsync("authsign", new AuthenticatedBody(token, Convert.ToBase64String(inner)), cancellationToken);
    }

    private static (string Serial, string KeyIdentifier) NamesOf(ReadOnlyMemory<byte> der)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            var serial = new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true);
            var authority = certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault();
            return (
                serial.ToString(CultureInfo.InvariantCulture),
                Convert.ToHexStringLower(authority?.KeyIdentifier is { } identifier ? identifier.Span : []));
        }
        catch (CryptographicException unreadable)
        {
            throw new IssuerRefusedException("what is to be revoked is not a certificate", unreadable);
        }
    }

    // RFC 5280's names, as Go's cfssl spells them.
    private static string NameOf(RevocationReason reason) => reason switch
    {
        RevocationReason.KeyCompromise => "keyCompromise",
        RevocationReason.AffiliationChanged => "affiliationChanged",
        RevocationReason.Superseded => "superseded",
        RevocationReason.CessationOfOperation => "cessationOfOperation",
        _ => "unspecified",
    };

    [LoggerMessage(LogLevel.Warning, "{Issuer} offers 'newkey' to everyone who reaches it: start it with -disable, or let only silos reach it")]
    private partial void LogOffersKeys(string issuer);

    private sealed record Kept(IReadOnlyList<byte[]> Lists, DateTimeOffset Until);
}

using System.Net.Security;
using ControlPlane.X509;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace ControlPlane.Access;

/// <summary>What one provider signs with, as it says itself; the last answer holds for a grace while it is away. Thread-safe.</summary>
/// <remarks>
/// It is asked at a period, and when a token names a key that is not known: then at most once in <see cref="PauseMin"/>, since anybody can
/// send such tokens. A silo that starts while the provider is away goes on with the answer that the site kept: for the rest of its grace.
/// </remarks>
internal sealed partial class IssuerKeys : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    public static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(10);

    /// <summary>How long a provider may take to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int AnswerBytesMax = 512 * 1024;
    private const int RsaBitsMin = 2048;

    private readonly OidcIssuerOptions _issuer;
    private readonly TimeSpan _grace;
    private readonly KeptAnswers _kept;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _asking = new(1);
    private volatile Answer? _last;
    private long _askedAt;
    private volatile string? _fault = "it has not been asked yet";

    public IssuerKeys(
        string name, OidcIssuerOptions issuer, TimeSpan grace, KeptAnswers kept, TimeProvider time, ILogger logger)
    {
        (Name, _issuer, _grace, _kept, _time, _logger) = (name, issuer, grace, kept, time, logger);
        _http = new HttpClient(Handler(issuer.CaFile)) { Timeout = Patience, MaxResponseContentBufferSize = AnswerBytesMax };
    }

    public string Name { get; }

    /// <summary>What is said of the provider in the configuration.</summary>
    public OidcIssuerOptions Settings => _issuer;

    /// <summary>Why the last question was not answered; null when it was.</summary>
    public string? Fault => _fault;

    /// <summary>How old the last answer is; null when there was none.</summary>
    public TimeSpan? Age => _last is { } last ? _time.GetUtcNow() - last.At : null;

    /// <summary>When the keys may no longer be used, unless the provider answers before; null when there are none.</summary>
    public DateTimeOffset? UsableUntil => _last?.At + _grace;

    /// <summary>Whether there are keys that may be used.</summary>
    public bool AreUsable => UsableUntil > _time.GetUtcNow();

    /// <summary>The keys of that id that may be used now; none for a token that names no key.</summary>
    public IEnumerable<SecurityKey> Of(string? keyId) =>
        keyId is not null && AreUsable ? _last!.Configuration.SigningKeys.Where(key => key.KeyId == keyId) : [];

    /// <summary>Sees to it that the key is known, if the provider has it.</summary>
    public async Task SeekAsync(string? keyId, CancellationToken cancellationToken)
    {
        if (!Knows(keyId) && IsPauseOver())
        {
            await AskAsync(onlyFor: keyId, cancellationToken);
        }
    }

    /// <summary>Asks the provider now; says in <see cref="Fault"/> and the log when it does not answer.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => AskAsync(onlyFor: null, cancellationToken);

    public Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel) => Task.FromResult(
        AreUsable ? _last!.Configuration : throw new InvalidOperationException($"there are no usable keys of {Name}"));

    /// <summary>Nothing: <see cref="SeekAsync"/> asked before the token was looked at.</summary>
    public void RequestRefresh()
    {
    }

    public void Dispose()
    {
        _http.Dispose();
        _asking.Dispose();
    }

    private bool Knows(string? keyId) => Of(keyId).Any();

    private bool IsPauseOver() => Volatile.Read(ref _askedAt) is var at && (at == 0 || _time.GetElapsedTime(at) > PauseMin);

    private async Task AskAsync(string? onlyFor, CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            // Who waited for another's question looks at the answer first.
            if (onlyFor is null || (!Knows(onlyFor) && IsPauseOver()))
            {
                await AskAsync(cancellationToken);
            }
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _askedAt, Math.Max(1, _time.GetTimestamp()));
        var fault = await TryAskAsync(cancellationToken);
        if (fault is not null && !AreUsable && await _kept.FindAsync(_issuer.Issuer, cancellationToken) is { } kept
            && (_last is null || kept.At > _last.At))
        {
            await TryReadAsync(kept, kept.At, cancellationToken);
        }

        if (fault is not null && fault != _fault)
        {
            LogAway(Name, fault, UsableUntil);
        }
        else if (fault is null && _fault is not null)
        {
            LogAnswers(Name, _last!.Configuration.SigningKeys.Count);
        }

        _fault = fault;
    }

    private async Task<string?> TryAskAsync(CancellationToken cancellationToken)
    {
        var documents = new AskedDocuments(new HttpDocumentRetriever(_http) { RequireHttps = !new Uri(_issuer.Issuer).IsLoopback });
        var at = _time.GetUtcNow();
        var fault = await TryReadAsync(documents, at, cancellationToken);
        if (fault is null)
        {
            await _kept.KeepAsync(_issuer.Issuer, new IssuerDocuments(at, documents.Texts), cancellationToken);
        }

        return fault;
    }

    private async Task<string?> TryReadAsync(IDocumentRetriever documents, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            var configuration = await OpenIdConnectConfigurationRetriever.GetAsync(
                $"{_issuer.Issuer.TrimEnd('/')}/.well-known/openid-configuration", documents, cancellationToken);
            if (configuration.Issuer != _issuer.Issuer)
            {
                return $"it calls itself '{configuration.Issuer}' and not '{_issuer.Issuer}'";
            }

            foreach (var unfit in configuration.SigningKeys.Where(key => !IsFit(key)).ToList())
            {
                configuration.SigningKeys.Remove(unfit);
            }

            if (configuration.SigningKeys.Count == 0)
            {
                return $"it lists no signing key of its own kind: RSA of at least {RsaBitsMin} bits, or an elliptic curve";
            }

            _last = new Answer(configuration, at);
            return null;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception away) when (away is IOException or HttpRequestException or OperationCanceledException or ArgumentException
            or InvalidOperationException or System.Text.Json.JsonException)
        {
            return (away.InnerException ?? away).Message.ReplaceLineEndings(" ");
        }
    }

    private static bool IsFit(SecurityKey key) => key switch
    {
        JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.EllipticCurve } or ECDsaSecurityKey => true,
        JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA } or RsaSecurityKey or X509SecurityKey => key.KeySize >= RsaBitsMin,
        _ => false,
    };

    /// <summary>How a provider is reached whose certificate leads to a CA of a file; of the machine where that is empty.</summary>
    public static SocketsHttpHandler Handler(string caFile)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) };
        if (caFile.Length > 0)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = PeerTrust.RootsOf(caFile) };
        }

        return handler;
    }

    private sealed record Answer(OpenIdConnectConfiguration Configuration, DateTimeOffset At);

    [LoggerMessage(LogLevel.Warning, "The identity provider {Provider} does not say its keys: {Fault}; the last ones are used until {Until}")]
    private partial void LogAway(string provider, string fault, DateTimeOffset? until);

    [LoggerMessage(LogLevel.Information, "The identity provider {Provider} signs with {Keys} keys")]
    private partial void LogAnswers(string provider, int keys);
}

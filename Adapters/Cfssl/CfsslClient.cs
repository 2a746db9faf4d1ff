using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Calls one cfssl over HTTP. Nothing is tried twice: a second order is a second certificate. Thread-safe.</summary>
internal sealed class CfsslClient : IDisposable
{
    private const int AnswerBytesMax = 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // A name that moves to another machine is followed within this time.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    private readonly string issuer;
    private readonly CfsslOptions options;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim places;
    private readonly HttpClient http;

    public CfsslClient(string issuer, CfsslOptions options, TimeProvider time)
    {
        this.issuer = issuer;
        this.options = options;
        this.time = time;
        places = new SemaphoreSlim(options.ConcurrencyMax);
        var connections = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            AllowAutoRedirect = false,
            UseProxy = false,
            SslOptions = Tls(options),
        };
        http = new HttpClient(connections)
        {
            BaseAddress = new Uri(options.Url!, "/api/v1/cfssl/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    /// <exception cref="IssuerUnavailableException">It cannot have received the request.</exception>
    /// <exception cref="IssuerOutcomeUnknownException">It may have acted on the request.</exception>
    /// <exception cref="IssuerMisconfiguredException">It is not whom we were told to trust.</exception>
    public Task<CfsslAnswer> PostAsync<T>(string endpoint, T body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, endpoint, new OnceContent(JsonSerializer.SerializeToUtf8Bytes(body)), cancellationToken);

    /// <inheritdoc cref="PostAsync"/>
    public Task<CfsslAnswer> GetAsync(string endpoint, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, endpoint, content: null, cancellationToken);

    public void Dispose()
    {
        http.Dispose();
        places.Dispose();
    }

    private async Task<CfsslAnswer> SendAsync(
        HttpMethod method, string endpoint, OnceContent? content, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            using var request = new HttpRequestMessage(method, endpoint) { Content = content };
            using var response = await http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return CfsslAnswer.Read(response.StatusCode, body, RetryAfterHeader.Read(response, time.GetUtcNow()));
        }
        catch (HttpRequestException untrusted) when (untrusted.InnerException is AuthenticationException)
        {
            throw new IssuerMisconfiguredException($"cfssl {issuer} at {options.Url}: {untrusted.InnerException.Message}", untrusted);
        }
        catch (Exception silent) when (IsSilence(silent) && !cancellationToken.IsCancellationRequested)
        {
            var message = $"cfssl {issuer} at {options.Url} did not answer: {silent.Message}";
            throw content is { WasSent: true }
                ? new IssuerOutcomeUnknownException(message, silent)
                : new IssuerUnavailableException(message, silent);
        }
        finally
        {
            places.Release();
        }
    }

    private static bool IsSilence(Exception fault) =>
        fault is HttpRequestException or OperationCanceledException or IOException or JsonException;

    private static SslClientAuthenticationOptions Tls(CfsslOptions options)
    {
        var tls = new SslClientAuthenticationOptions();
        if (options.ClientCertificateFile is { } certificate)
        {
            tls.ClientCertificateContext = PemCertificates.ReadOwn(certificate, options.ClientKeyFile!);
        }

        if (options.ServerCaFile is { } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(PemCertificates.ReadFile(authorities));
        }

        return tls;
    }
}

using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>Calls Vault's HTTP interface. Nothing is tried twice here: a second order is a second certificate. Thread-safe.</summary>
internal sealed class VaultHttp : IDisposable
{
    // A list of half a million serial numbers; every other answer is small.
    private const int AnswerBytesMax = 64 * 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // A name that moves to another machine is followed within this time.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly VaultOptions options;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim places;
    private readonly HttpClient http;

    public VaultHttp(string issuer, VaultOptions options, TimeProvider time)
    {
        Issuer = issuer;
        this.options = options;
        this.time = time;
        places = new SemaphoreSlim(options.ConcurrencyMax);
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            AllowAutoRedirect = false,
            UseProxy = false,
            SslOptions = Tls(options),
        })
        {
            BaseAddress = new Uri(options.Url!, "/v1/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    /// <summary>The issuer's name, for messages.</summary>
    public string Issuer { get; }

    /// <param name="method">GET or POST; a list is a GET with <c>?list=true</c>.</param>
    /// <param name="path">Below <c>/v1/</c>.</param>
    /// <param name="body">Made into JSON in snake_case; null for none.</param>
    /// <param name="token">Null for calls without one.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="IssuerUnavailableException">It cannot have received the request.</exception>
    /// <exception cref="IssuerOutcomeUnknownException">It may have acted on the request.</exception>
    /// <exception cref="IssuerMisconfiguredException">It is not whom we were told to trust.</exception>
    public async Task<VaultAnswer> SendAsync(
        HttpMethod method, string path, object? body, string? token, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var content = body is null ? null : new OnceContent(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), Json));
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            AddHeaders(request, path, token);
            using var response = await http.SendAsync(request, either.Token);
            var answer = await response.Content.ReadAsByteArrayAsync(either.Token);
            return VaultAnswer.Read(response.StatusCode, answer, RetryAfterHeader.Read(response, time.GetUtcNow()));
        }
        catch (FormatException unfit)
        {
            // A file of a token that holds more than the token; nothing was sent.
            throw new IssuerMisconfiguredException($"the token for Vault {Issuer} must be one line: {unfit.Message}", unfit);
        }
        catch (HttpRequestException untrusted) when (untrusted.InnerException is AuthenticationException)
        {
            throw new IssuerMisconfiguredException($"Vault {Issuer} at {options.Url}: {untrusted.InnerException.Message}", untrusted);
        }
        catch (Exception silent) when (IsSilence(silent) && !cancellationToken.IsCancellationRequested)
        {
            var message = $"Vault {Issuer} at {options.Url} did not answer: {silent.Message}";
            throw content is { WasSent: true }
                ? new IssuerOutcomeUnknownException(message, silent)
                : new IssuerUnavailableException(message, silent);
        }
        finally
        {
            content?.Dispose();
            places.Release();
        }
    }

    /// <summary>Calls what may be called again: a lost answer is one to ask for again.</summary>
    public async Task<VaultAnswer> AskAsync(
        HttpMethod method, string path, object? body, string? token, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(method, path, body, token, cancellationToken);
        }
        catch (IssuerOutcomeUnknownException lost)
        {
            throw new IssuerUnavailableException(lost.Message, lost);
        }
    }

    public void Dispose()
    {
        http.Dispose();
        places.Dispose();
    }

    private void AddHeaders(HttpRequestMessage request, string path, string? token)
    {
        // Vault Agent and Proxy can be told to refuse requests without it, as a guard against forged ones.
        request.Headers.Add("X-Vault-Request", "true");
        if (token is not null)
        {
            request.Headers.Add("X-Vault-Token", token);
        }

        // What the whole server is asked for is not in any namespace.
        if (options.Namespace is { } name && !path.StartsWith("sys/health", StringComparison.Ordinal))
        {
            request.Headers.Add("X-Vault-Namespace", $"{name.Trim('/')}/");
        }
    }

    private static bool IsSilence(Exception fault) => fault is HttpRequestException or OperationCanceledException or IOException;

    private static SslClientAuthenticationOptions Tls(VaultOptions options)
    {
        var tls = new SslClientAuthenticationOptions();
        if (options.Login.CertificateFile is { } certificate)
        {
            tls.ClientCertificateContext = PemCertificates.ReadOwn(certificate, options.Login.KeyFile!);
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

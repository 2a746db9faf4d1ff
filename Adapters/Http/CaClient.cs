using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Http;

/// <summary>Where a CA listens, and how it is called.</summary>
/// <param name="Name">For messages, the issuer in it: <c>Vault east</c>.</param>
/// <param name="Root">What all paths are below; ends in a slash.</param>
/// <param name="Timeout">How long one call may take; asked at each.</param>
/// <param name="ConcurrencyMax">Calls at once.</param>
/// <param name="AnswerBytesMax">A longer answer is none.</param>
/// <param name="ServerCaFile">PEM file of the CAs that the server's own certificate is verified by; null for those of the machine.</param>
/// <param name="CertificateFile">PEM file of the certificate that we show; null for none.</param>
/// <param name="KeyFile">PEM file of its key.</param>
public sealed record CaServer(
    string Name,
    Uri Root,
    Func<TimeSpan> Timeout,
    int ConcurrencyMax,
    int AnswerBytesMax,
    string? ServerCaFile,
    string? CertificateFile,
    string? KeyFile);

/// <summary>What a CA, or what stands before it, answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">As it came.</param>
/// <param name="RetryAfter">How long it asks us to wait; null when it does not say.</param>
public sealed record CaAnswer(HttpStatusCode Status, byte[] Body, TimeSpan? RetryAfter)
{
    /// <summary>Whether reading an answer failed because it is something else than the CA answers.</summary>
    public static bool IsForeign(Exception fault) =>
        fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or CryptographicException;
}

/// <summary>Calls a CA over HTTP. Nothing is tried twice: a second order is a second certificate. Thread-safe.</summary>
public sealed class CaClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // A name that moves to another machine is followed within this time.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    private readonly CaServer server;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim places;
    private readonly HttpClient http;

    public CaClient(CaServer server, TimeProvider time)
    {
        this.server = server;
        this.time = time;
        places = new SemaphoreSlim(server.ConcurrencyMax);
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            AllowAutoRedirect = false,
            UseProxy = false,
            SslOptions = Tls(server),
        })
        {
            BaseAddress = server.Root,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = server.AnswerBytesMax,
        };
    }

    /// <param name="method">The verb.</param>
    /// <param name="path">Below the server's root.</param>
    /// <param name="json">The body; null for none.</param>
    /// <param name="addHeaders">Adds what this CA wants to see; null for nothing.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="IssuerUnavailableException">It cannot have received the request.</exception>
    /// <exception cref="IssuerOutcomeUnknownException">It may have acted on the request.</exception>
    /// <exception cref="IssuerMisconfiguredException">It is not whom we were told to trust.</exception>
    public async Task<CaAnswer> SendAsync(
        HttpMethod method, string path, byte[]? json, Action<HttpRequestHeaders>? addHeaders, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        using var limit = new CancellationTokenSource(server.Timeout(), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var content = json is null ? null : new OnceContent(json);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            addHeaders?.Invoke(request.Headers);
            using var response = await http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return new CaAnswer(response.StatusCode, body, RetryAfterHeader.Read(response, time.GetUtcNow()));
        }
        catch (HttpRequestException untrusted) when (untrusted.InnerException is AuthenticationException)
        {
            throw new IssuerMisconfiguredException(
                $"{server.Name} at {server.Root.GetLeftPart(UriPartial.Authority)}: {untrusted.InnerException.Message}", untrusted);
        }
        catch (Exception silent) when (
            silent is HttpRequestException or OperationCanceledException or IOException && !cancellationToken.IsCancellationRequested)
        {
            var message = $"{server.Name} at {server.Root.GetLeftPart(UriPartial.Authority)} did not answer: {silent.Message}";
            throw content is { WasSent: true }
                ? new IssuerOutcomeUnknownException(message, silent)
                : new IssuerUnavailableException(message, silent);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Of a call that may be made again, a lost answer is one to ask for again.</summary>
    /// <exception cref="IssuerUnavailableException">The answer was lost.</exception>
    public static async Task<T> RepeatableAsync<T>(Task<T> call)
    {
        try
        {
            return await call;
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

    private static SslClientAuthenticationOptions Tls(CaServer server)
    {
        var tls = new SslClientAuthenticationOptions();
        if (server.CertificateFile is { } certificate)
        {
            tls.ClientCertificateContext = PemCertificates.ReadOwn(certificate, server.KeyFile!);
        }

        if (server.ServerCaFile is { } authorities)
        {
            tls.CertificateChainPolicy = PeerTrust.RootsOf(authorities);
        }

        return tls;
    }
}

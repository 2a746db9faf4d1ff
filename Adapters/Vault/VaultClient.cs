using System.Net.Http.Headers;
using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>Calls Vault's HTTP interface. Thread-safe.</summary>
internal sealed class VaultClient(string issuer, VaultOptions options, TimeProvider time) : IDisposable
{
    // A list of half a million serial numbers; every other answer is small.
    private const int AnswerBytesMax = 64 * 1024 * 1024;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly CaClient http = new(
        new CaServer(
            $"Vault {issuer}",
            new Uri(options.Url!, "/v1/"),
            () => options.Timeout,
            options.ConcurrencyMax,
            AnswerBytesMax,
            options.ServerCaFile,
            options.Login.CertificateFile,
            options.Login.KeyFile),
        time);

    /// <summary>The issuer's name, for messages.</summary>
    public string Issuer => issuer;

    /// <param name="method">GET or POST; a list is a GET with <c>?list=true</c>.</param>
    /// <param name="path">Below <c>/v1/</c>.</param>
    /// <param name="body">Made into JSON in snake_case; null for none.</param>
    /// <param name="token">Null for calls without one.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <inheritdoc cref="CaClient.SendAsync" path="/exception"/>
    public async Task<VaultAnswer> SendAsync(
        HttpMethod method, string path, object? body, string? token, CancellationToken cancellationToken)
    {
        try
        {
            var json = body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), Json);
            var answer = await http.SendAsync(method, path, json, headers => AddTo(headers, path, token), cancellationToken);
            return VaultAnswer.Read(answer.Status, answer.Body, answer.RetryAfter);
        }
        catch (FormatException unfit)
        {
            // A file of a token that holds more than the token; nothing was sent.
            throw new IssuerMisconfiguredException($"the token for Vault {issuer} must be one line: {unfit.Message}", unfit);
        }
    }

    /// <summary>Calls what may be called again: a lost answer is one to ask for again.</summary>
    public Task<VaultAnswer> AskAsync(HttpMethod method, string path, object? body, string? token, CancellationToken cancellationToken) =>
        CaClient.RepeatableAsync(SendAsync(method, path, body, token, cancellationToken));

    public void Dispose() => http.Dispose();

    private void AddTo(HttpRequestHeaders headers, string path, string? token)
    {
        // Vault Agent and Proxy can be told to refuse requests without it, as a guard against forged ones.
        headers.Add("X-Vault-Request", "true");
        if (token is not null)
        {
            headers.Add("X-Vault-Token", token);
        }

        // What the whole server is asked for is not in any namespace.
        if (options.Namespace is { } name && !path.StartsWith("sys/health", StringComparison.Ordinal))
        {
            headers.Add("X-Vault-Namespace", $"{name.Trim('/')}/");
        }
    }
}

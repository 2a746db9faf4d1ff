using System.Text.Json;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Calls one cfssl over HTTP. Thread-safe.</summary>
internal sealed class CfsslClient(string issuer, CfsslOptions options, TimeProvider time) : IDisposable
{
    private const int AnswerBytesMax = 1024 * 1024;

    private readonly CaClient http = new(
        new CaServer(
            $"cfssl {issuer}",
            new Uri(options.Url!, "/api/v1/cfssl/"),
            () => options.Timeout,
            options.ConcurrencyMax,
            AnswerBytesMax,
            options.ServerCaFile,
            options.ClientCertificateFile,
            options.ClientKeyFile),
        time);

    /// <inheritdoc cref="CaClient.SendAsync" path="/exception"/>
    public Task<CfsslAnswer> PostAsync<T>(string endpoint, T body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, endpoint, JsonSerializer.SerializeToUtf8Bytes(body), cancellationToken);

    /// <summary>Asks what may be asked again: a lost answer is one to ask for again.</summary>
    /// <exception cref="IssuerUnavailableException">It did not answer.</exception>
    /// <exception cref="IssuerMisconfiguredException">It is not whom we were told to trust.</exception>
    public Task<CfsslAnswer> AskAsync<T>(string endpoint, T body, CancellationToken cancellationToken) =>
        CaClient.RepeatableAsync(PostAsync(endpoint, body, cancellationToken));

    /// <inheritdoc cref="AskAsync"/>
    public Task<CfsslAnswer> GetAsync(string endpoint, CancellationToken cancellationToken) =>
        CaClient.RepeatableAsync(SendAsync(HttpMethod.Get, endpoint, json: null, cancellationToken));

    public void Dispose() => http.Dispose();

    private async Task<CfsslAnswer> SendAsync(HttpMethod method, string endpoint, byte[]? json, CancellationToken cancellationToken)
    {
        var answer = await http.SendAsync(method, endpoint, json, addHeaders: null, cancellationToken);
        try
        {
            return CfsslAnswer.Read(answer.Status, answer.Body, answer.RetryAfter);
        }
        catch (JsonException foreign)
        {
            throw new IssuerOutcomeUnknownException($"cfssl {issuer} at {options.Url} did not answer: {foreign.Message}", foreign);
        }
    }
}

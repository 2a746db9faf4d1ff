using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Api;

namespace ControlPlane.Commands;

/// <summary>The HTTP API as the client commands call it.</summary>
internal sealed class ApiClient(HttpClient http) : IDisposable
{
    /// <summary>A newer control plane may say more than this client knows of.</summary>
    public static readonly JsonSerializerOptions Json = MakeJson();

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(70);

    /// <param name="url">Where the control plane listens.</param>
    /// <param name="tokenFile">A file whose first line ends in the token: a bare one, or a line of the control plane's own file.</param>
    /// <exception cref="IOException">The token file cannot be read.</exception>
    public static ApiClient Open(Uri url, string? tokenFile)
    {
        var http = new HttpClient { BaseAddress = url, Timeout = Patience };
        if (tokenFile is not null)
        {
            var words = File.ReadLines(tokenFile).FirstOrDefault("").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return new ApiClient(http).With(words.LastOrDefault(""));
        }

        return new ApiClient(http);
    }

    /// <summary>Shows a token from now on.</summary>
    public ApiClient With(string token)
    {
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return this;
    }

    /// <exception cref="ApiRefusedException">The control plane said no.</exception>
    /// <exception cref="HttpRequestException">It did not answer.</exception>
    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>All that a list has, page after page.</summary>
    /// <param name="path">The list, with a query; the cursor is added to it.</param>
    /// <param name="read">What is on a page, and the cursor of the next one; null on the last.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<List<T>> ListAsync<TPage, T>(
        string path, Func<TPage, (IEnumerable<T> Items, string? Next)> read, CancellationToken cancellationToken)
    {
        var all = new List<T>();
        for (string? cursor = ""; cursor is not null;)
        {
            var (items, next) = read(await GetAsync<TPage>($"{path}&cursor={Uri.EscapeDataString(cursor)}", cancellationToken));
            all.AddRange(items);
            cursor = next;
        }

        return all;
    }

    /// <summary>What there may be; null when there is not.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<T?> FindAsync<T>(string path, CancellationToken cancellationToken)
        where T : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var response = await http.SendAsync(request, cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await ReadAsync<T>(await CheckAsync(response, cancellationToken), cancellationToken);
    }

    /// <summary>An answer that is too long to wait for; it breaks off where the control plane does.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<Stream> GetStreamAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        var response = await CheckAsync(
            await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken);
        return await response.Content.ReadAsStreamAsync(cancellationToken);
    }

    /// <inheritdoc cref="GetAsync"/>
    public Task<T> PostAsync<T>(string path, object body, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Post, path, body, cancellationToken);

    /// <summary>A call that may be repeated: the control plane knows it by its key.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<T> PostAsync<T>(string path, object body, string? idempotencyKey, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = JsonContent.Create(body, body.GetType(), options: Json);
        if (idempotencyKey is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        }

        using var response = await CheckAsync(await http.SendAsync(request, cancellationToken), cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <summary>Where the answer has no body.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task PostAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, path, body, cancellationToken);
    }

    /// <inheritdoc cref="PostAsync(string, object, CancellationToken)"/>
    public async Task PutAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Put, path, body, cancellationToken);
    }

    /// <inheritdoc cref="GetAsync"/>
    public Task<T> PutAsync<T>(string path, object body, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Put, path, body, cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<T> DeleteAsync<T>(string path, object body, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Delete, path, body, cancellationToken);

    public void Dispose() => http.Dispose();

    private async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, body, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken)
            ?? throw new HttpRequestException($"{http.BaseAddress} answered with nothing");

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : JsonContent.Create(body, body.GetType(), options: Json);
        return await CheckAsync(await http.SendAsync(request, cancellationToken), cancellationToken);
    }

    private static async Task<HttpResponseMessage> CheckAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new ApiRefusedException(await ReadProblemAsync(response, cancellationToken));
        }
    }

    private static async Task<string> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<Problem>(Json, cancellationToken);
            return problem?.Detail is { Length: > 0 } detail ? $"{problem.Title}: {detail}" : $"{problem?.Title ?? response.ReasonPhrase}";
        }
        catch (JsonException)
        {
            return $"{(int)response.StatusCode} {response.ReasonPhrase}";
        }
    }

    private static JsonSerializerOptions MakeJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true };
        ApiEndpoints.Write(json);
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip;
        json.RespectRequiredConstructorParameters = false;
        return json;
    }

    private sealed record Problem(string? Title, string? Detail);
}

/// <summary>The control plane said no; the message is its problem in words.</summary>
internal sealed class ApiRefusedException(string message) : Exception(message);

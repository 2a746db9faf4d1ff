using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace ControlPlane.Adapters.Http;

/// <summary>Asks a service by POST of a JSON object, with a bearer token from a file. Redirects are not followed. Thread-safe.</summary>
/// <param name="url">Where it listens.</param>
/// <param name="tokenFile">The file of the token, read for each question; null for none.</param>
/// <param name="answerBytesMax">A longer answer is none.</param>
public sealed class WebHook(string url, string? tokenFile, int answerBytesMax) : IDisposable
{
    private const int ConnectionsMax = 64;

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = ConnectionsMax })
    {
        MaxResponseContentBufferSize = answerBytesMax,
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <param name="json">The question.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <param name="complete">Adds what this service wants to see besides; null for nothing.</param>
    /// <exception cref="WebHookException">There is no answer, and it is not because the time was up.</exception>
    /// <exception cref="OperationCanceledException">The time was up.</exception>
    public async Task<WebHookAnswer> AskAsync(
        string json, CancellationToken cancellationToken, Action<HttpRequestMessage>? complete = null)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url);
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            if (tokenFile is not null)
            {
                var token = await File.ReadAllTextAsync(tokenFile, cancellationToken);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
            }

            complete?.Invoke(request);
            using var answer = await http.SendAsync(request, cancellationToken);
            return new WebHookAnswer(answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (Exception away) when (away is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            throw new WebHookException($"{url} could not be asked: {away.Message}", away);
        }
        catch (FormatException unfit)
        {
            throw new WebHookException($"{tokenFile} must hold one line: {unfit.Message}", unfit);
        }
        catch (InvalidOperationException unreadable)
        {
            throw new WebHookException($"{url} answered what cannot be read: {unreadable.Message}", unreadable);
        }
    }

    public void Dispose() => http.Dispose();
}

/// <param name="Status">The HTTP status.</param>
/// <param name="Body">As it came.</param>
public sealed record WebHookAnswer(HttpStatusCode Status, string Body)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;
}

/// <summary>The service gave no answer.</summary>
public sealed class WebHookException(string message, Exception? inner = null) : Exception(message, inner);

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Decision;

/// <summary>Asks a web hook: the same JSON object by POST, the same answer; 204 means no opinion.</summary>
internal sealed class WebDecider(IOptions<DecisionOptions> options, TimeProvider time) : IExternalDecider, IDisposable
{
    private const int ConnectionsMax = 64;

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = ConnectionsMax })
    {
        MaxResponseContentBufferSize = DecisionMessages.AnswerLengthMax,
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public async Task<ExternalAnswer> AskAsync(ExternalQuestion question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, options.Value.Url);
            request.Content = new StringContent(DecisionMessages.Write(question), Encoding.UTF8, "application/json");
            if (options.Value.TokenFile is { } file)
            {
                var token = await File.ReadAllTextAsync(file, either.Token);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
            }

            using var answer = await http.SendAsync(request, either.Token);
            return answer.StatusCode == HttpStatusCode.NoContent ? new ExternalAnswer.Abstain()
                : answer.IsSuccessStatusCode
                    ? DecisionMessages.Read(await answer.Content.ReadAsStringAsync(either.Token), question)
                    : throw new ExternalDecisionException($"{options.Value.Url} answered {(int)answer.StatusCode}");
        }
        catch (Exception away) when (away is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            throw new ExternalDecisionException($"{options.Value.Url} could not be asked: {away.Message}", away);
        }
        catch (FormatException unfit)
        {
            throw new ExternalDecisionException($"{options.Value.TokenFile} must hold one line: {unfit.Message}", unfit);
        }
        catch (InvalidOperationException unreadable)
        {
            throw new ExternalDecisionException($"{options.Value.Url} answered what cannot be read: {unreadable.Message}", unreadable);
        }
    }

    public void Dispose() => http.Dispose();
}

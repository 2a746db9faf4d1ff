using System.Net;
using ControlPlane.Adapters.Http;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Decision;

/// <summary>Asks a web hook: the same JSON object by POST, the same answer; 204 means no opinion.</summary>
internal sealed class WebDecider(IOptions<DecisionOptions> options, TimeProvider time) : IExternalDecider, IDisposable
{
    private readonly WebHook hook = new(options.Value.Url!, options.Value.TokenFile, DecisionMessages.AnswerLengthMax);

    public async Task<ExternalAnswer> AskAsync(ExternalQuestion question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var answer = await hook.AskAsync(DecisionMessages.Write(question), either.Token);
            return answer.Status == HttpStatusCode.NoContent ? new ExternalAnswer.Abstain()
                : answer.IsSuccess ? DecisionMessages.Read(answer.Body, question)
                : throw new ExternalDecisionException($"{options.Value.Url} answered {(int)answer.Status}");
        }
        catch (WebHookException away)
        {
            throw new ExternalDecisionException(away.Message, away);
        }
    }

    public void Dispose() => hook.Dispose();
}

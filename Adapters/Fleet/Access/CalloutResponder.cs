using ControlPlane.Adapters.Nats.Callout;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>
/// Answers what the brokers of one network ask about those who log in. The silos of an overlay share the questions; each broker waits for
/// its answer as long as its configuration says, and refuses then.
/// </summary>
internal sealed partial class CalloutResponder(
    NatsConnection connection,
    CalloutKeys keys,
    LogInAuthority authority,
    LogInMeter meter,
    int decisionsMax,
    TimeProvider time,
    ILogger<CalloutResponder> logger)
{
    private const string Queue = "controlplane";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var questions = await connection.SubscribeCoreAsync<byte[]>(
            AuthorizationRequest.Subject, Queue, cancellationToken: cancellationToken);
        await Parallel.ForEachAsync(
            questions.Msgs.ReadAllAsync(cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = decisionsMax, CancellationToken = cancellationToken },
            AnswerAsync);
    }

    private async ValueTask AnswerAsync(NatsMsg<byte[]> question, CancellationToken cancellationToken)
    {
        try
        {
            string? xkey = question.Headers?.TryGetValue(CalloutKeys.XKeyHeader, out var value) == true ? value[0] : null;
            if (!keys.TryRead(question.Data ?? [], xkey, out var request, out var fault))
            {
                meter.Refused(LogInFault.Unreadable);
                LogUnreadable(fault);
                return;
            }

            var answer = await authority.DecideAsync(request, cancellationToken) switch
            {
                LogInVerdict.Admitted admitted => keys.Admit(request, admitted.Grant, time.GetUtcNow()),
                LogInVerdict.Refused refused => keys.Refuse(request, refused.Detail, time.GetUtcNow()),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
            await question.ReplyAsync(answer, cancellationToken: cancellationToken);
        }
        catch (Exception unanswered) when (!cancellationToken.IsCancellationRequested)
        {
            // One question must not end the answering of all. Who wanted to log in is refused by its broker after a while, and tries again.
            LogUnanswered(unanswered.Message);
        }
    }

    [LoggerMessage(LogLevel.Error, "A question of a broker about a log-in is not answered: {Fault}")]
    private partial void LogUnreadable(string fault);

    [LoggerMessage(LogLevel.Warning, "A broker's question about a log-in could not be answered: {Reason}")]
    private partial void LogUnanswered(string reason);
}

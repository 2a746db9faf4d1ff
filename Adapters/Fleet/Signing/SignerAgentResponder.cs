using System.Text;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Answers what clients ask of <c>aaa_signer</c> in one collective; those who serve it share the questions.</summary>
/// <remarks>
/// As service agents do: requests that cannot be read, have ended or are for another agent are dropped without a word, and so are replies
/// after the agent's timeout, for which nobody waits any more. The requests are not signed, so nothing in them is believed but what the
/// signer proves. Replies are not signed either: clients look at their hash alone.
/// </remarks>
internal sealed partial class SignerAgentResponder(
    INatsConnection connection, string collective, string identity, ChoriaSigner signer, TimeProvider time, ILogger logger)
{
    /// <summary>Questions answered at once; the rest wait in the subscription.</summary>
    private const int AnswersMax = 64;

    /// <summary>Envelopes take four times what they carry, and what they carry is bounded.</summary>
    private const int PayloadBytesMax = 1 << 20;

    /// <summary>Answers until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Parallel.ForEachAsync(
        connection.SubscribeAsync<byte[]>(
            ChoriaSubjects.ServiceAgent(collective, SignerAgent.Name), SignerAgent.Name, cancellationToken: cancellationToken),
        new ParallelOptions { MaxDegreeOfParallelism = AnswersMax, CancellationToken = cancellationToken },
        AnswerAsync);

    private async ValueTask AnswerAsync(NatsMsg<byte[]> message, CancellationToken cancellationToken)
    {
        if (message.Data is not { Length: > 0 and <= PayloadBytesMax } payload
            || !ChoriaEnvelope.TryDecodeRequest(payload, out var received, out _)
            || !IsForUs(received, out var reply))
        {
            return;
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(SignerAgent.Sign.Timeout);
        try
        {
            var answer = ChoriaReply.To(
                received.Request, identity, time.GetUtcNow(), await BodyAsync(received.Request, deadline.Token));
            await connection.PublishAsync(
                reply,
                ChoriaEnvelope.EncodeReply(answer, received.Headers.ForReply(identity)),
                cancellationToken: deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogLate(received.Request.Caller);
        }
        catch (Exception unanswered) when (!cancellationToken.IsCancellationRequested)
        {
            // One question must not end the answering of all: who asked hears nothing, and asks again.
            LogUnanswered(received.Request.Caller, unanswered.Message);
        }
    }

    // The reply's subject is a stranger's word: nothing of ours goes anywhere but to where replies go.
    private bool IsForUs(ReceivedRequest received, out string reply)
    {
        reply = received.Headers.ReplySubject ?? "";
        return received.Request.Agent == SignerAgent.Name
            && received.Request.Collective == collective
            && received.Request.IsFresh(time.GetUtcNow())
            && reply.StartsWith($"{collective}.reply.", StringComparison.Ordinal)
            && reply.All(letter => letter is > ' ' and < '\x7f' and not ('*' or '>'));
    }

    private async Task<byte[]> BodyAsync(ChoriaRequest request, CancellationToken cancellationToken)
    {
        if (!RpcRequest.TryDecode(request.Body, out var rpc, out var unreadable))
        {
            return RpcReply.Failed(
                "", RpcStatus.InvalidData, $"Could not process request: {unreadable.Field} {unreadable.Problem}").Encode();
        }

        if (rpc.Action != SignerAgent.Sign.Name)
        {
            return RpcReply.Failed(
                rpc.Action, RpcStatus.UnknownAction, $"Unknown action {rpc.Action} for agent {SignerAgent.Name}").Encode();
        }

        if (!SignerAgent.Sign.TryReadInput(rpc, out var input, out var fault))
        {
            return RpcReply.Failed(
                rpc.Action,
                RpcStatus.InvalidData,
                $"Could not parse request data for {SignerAgent.Name}#{rpc.Action}: {fault.Field} {fault.Problem}").Encode();
        }

        var question = new SignatureQuestion(Encoding.UTF8.GetBytes(input.Request), input.Token, input.Signature);
        return await signer.SignAsync(question, SignatureWay.Rpc, address: null, cancellationToken) is SignatureAnswer.Signed signed
            ? SignerAgent.Sign.EncodeReply(new SignOutput(Encoding.UTF8.GetString(signed.SecureRequest.Span)))
            : SignerAgent.Deny().Encode();
    }

    [LoggerMessage(LogLevel.Warning, "A signature for {Caller} took longer than clients wait, and nothing was answered")]
    private partial void LogLate(string caller);

    [LoggerMessage(LogLevel.Warning, "A question for a signature by {Caller} was not answered: {Reason}")]
    private partial void LogUnanswered(string caller, string reason);
}

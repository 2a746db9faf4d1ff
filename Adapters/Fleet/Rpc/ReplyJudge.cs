using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>Says what a payload that came to a request's reply subject is worth. Thread-safe.</summary>
/// <param name="network">The overlay.</param>
/// <param name="requests">What was asked.</param>
/// <param name="asked">Of whom.</param>
/// <param name="trust">Whose signatures are believed.</param>
/// <param name="read">Reads what the agent answers; null when it cannot be read.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplyJudge(
    string network,
    SignedQuestion requests,
    AskedNodes asked,
    ReplyTrust trust,
    Func<ReceivedReply, RpcReply?> read,
    TimeProvider time)
{
    public (RpcNodeReply? Reply, string Outcome) Judge(byte[] payload)
    {
        if (!ChoriaEnvelope.TryDecodeReply(payload, out var received, out _))
        {
            return (null, RpcMeter.Unverified);
        }

        var (reply, now) = (received.Reply, time.GetUtcNow());
        if (requests.Find(reply.RequestId) is not { } request || !NodeIdentity.IsValid(reply.Sender))
        {
            return (null, RpcMeter.Unexpected);
        }

        switch (asked.Judge(reply.Sender, reply.Protocol))
        {
            case AnswerWorth.Unexpected:
                return (null, RpcMeter.Unexpected);
            case AnswerWorth.Repeated:
                return (null, RpcMeter.Duplicate);
        }

        if (ReplyVerification.Judge(received, request, reply.Sender, trust.Of(network, reply.Protocol), now) is not null
            || read(received) is not { } answer)
        {
            return (null, RpcMeter.Unverified);
        }

        if (!asked.TryAnswer(reply.Sender))
        {
            return (null, RpcMeter.Duplicate);
        }

        var (status, message) = (answer.StatusCode, answer.StatusMessage);
        return (new RpcNodeReply(reply.Sender, status, message, answer.Data, now), RpcMeter.OutcomeOf(status));
    }
}

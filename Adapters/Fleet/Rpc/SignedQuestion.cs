using System.Collections.Concurrent;
using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>The signatures of one request: one for each protocol, and a new one when the last has lived for half of its time.</summary>
/// <remarks>Replies to all of them are known, whichever a node was given. Thread-safe.</remarks>
internal sealed class SignedQuestion(RpcQuestion question, RegionCaller caller, Action<byte[]> take, TimeProvider time)
{
    /// <summary>Replies to older ones are dropped: nodes have not taken those for thirty times to live.</summary>
    private const int KnownMax = 64;

    private readonly Lock signing = new();
    private readonly Dictionary<ChoriaProtocol, Signed> current = [];
    private readonly ConcurrentDictionary<string, ChoriaRequest> known = new(StringComparer.Ordinal);
    private readonly Queue<string> order = new();
    private ReplyInbox? heardBy;

    /// <summary>The request that a reply names; null for another's.</summary>
    public ChoriaRequest? Find(string requestId) => known.GetValueOrDefault(requestId);

    /// <summary>What is sent to single nodes of a protocol.</summary>
    /// <exception cref="NetworkUnavailableException">Nodes of the protocol would not believe us.</exception>
    public byte[] ToNode(ReplyInbox inbox, ChoriaProtocol protocol)
    {
        lock (signing)
        {
            var now = time.GetTimestamp();
            if (!current.TryGetValue(protocol, out var signed)
                || time.GetElapsedTime(signed.At, now) > TimeSpan.FromSeconds(question.SecondsToLive(protocol)) / 2)
            {
                signed = new Signed(Sign_NeedsLock(inbox, protocol, ChoriaFilter.HavingAgent(question.Agent)), now);
                current[protocol] = signed;
            }

            return signed.Payload;
        }
    }

    /// <summary>What is sent to all nodes of a protocol that a filter fits.</summary>
    /// <inheritdoc cref="ToNode" path="/exception"/>
    public byte[] ToAll(ReplyInbox inbox, ChoriaProtocol protocol, ChoriaFilter filter)
    {
        lock (signing)
        {
            return Sign_NeedsLock(inbox, protocol, filter);
        }
    }

    /// <summary>Whether we can prove ourselves to nodes of a protocol.</summary>
    public bool CanSign(ChoriaProtocol protocol) => caller.SignerOrNull(protocol) is not null;

    /// <summary>Says which setting is missing.</summary>
    public NetworkUnavailableException CannotSign(ChoriaProtocol protocol) => new(
        $"we cannot prove ourselves to provisioned nodes of protocol {protocol} for {question.Name}: configure Fleet:CallerProof with "
        + (protocol == ChoriaProtocol.V1 ? "CertificateFile and KeyFile" : "TokenFile and SeedFile"));

    /// <summary>Replies are not for us any more.</summary>
    public void Forget()
    {
        lock (signing)
        {
            foreach (var id in order)
            {
                heardBy?.Forget(id);
            }

            order.Clear();
            known.Clear();
        }
    }

    private byte[] Sign_NeedsLock(ReplyInbox inbox, ChoriaProtocol protocol, ChoriaFilter filter)
    {
        var signer = caller.SignerOrNull(protocol) ?? throw CannotSign(protocol);
        var request = caller.Request(protocol, question.Collective, question.Agent, question.Body, filter, time.GetUtcNow()) with
        {
            TimeToLiveSeconds = question.SecondsToLive(protocol),
        };
        var payload = caller.Encode(
            request, signer, question.ReplySubject ?? inbox.ReplySubject(ReplySubjects.Everybody, request.Id));
        if (question.ReplySubject is null)
        {
            Expect_NeedsLock(inbox, request);
        }

        return payload;
    }

    private void Expect_NeedsLock(ReplyInbox inbox, ChoriaRequest request)
    {
        heardBy = inbox;
        known[request.Id] = request;
        order.Enqueue(request.Id);
        inbox.Gather(request.Id, take);
        if (order.Count > KnownMax)
        {
            var oldest = order.Dequeue();
            known.TryRemove(oldest, out _);
            inbox.Forget(oldest);
        }
    }

    private readonly record struct Signed(byte[] Payload, long At);
}

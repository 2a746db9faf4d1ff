using System.Collections.Concurrent;
using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>Who was asked by one request, in which protocol, and who has answered. Thread-safe.</summary>
internal sealed class AskedNodes
{
    private readonly ConcurrentDictionary<string, Asked> nodes = new(StringComparer.Ordinal);
    private volatile bool isAnyone;
    private int strangers;

    public int Count => nodes.Count;

    /// <summary>Notes that a node is about to be asked; false when it has been already.</summary>
    public bool TryAsk(string identity, ChoriaProtocol protocol) =>
        nodes.TryAdd(identity, protocol == ChoriaProtocol.V1 ? Asked.InV1 : Asked.InV2);

    /// <summary>The node was not asked after all.</summary>
    public void Unask(string identity) => nodes.TryRemove(identity, out _);

    /// <summary>A broadcast asks them, in every protocol; anyone when there are none.</summary>
    public void Expect(IReadOnlyCollection<string> identities)
    {
        foreach (var identity in identities)
        {
            nodes.TryAdd(identity, Asked.InEither);
        }

        isAnyone |= identities.Count == 0;
    }

    /// <summary>What a reply is worth that says to be of a node, before it is verified: that costs more.</summary>
    /// <remarks>
    /// A node that was asked in V2 does not answer in V1, where replies bear no signature: anybody could say so in its name.
    /// </remarks>
    public AnswerWorth Judge(string identity, ChoriaProtocol protocol)
    {
        if (!nodes.TryGetValue(identity, out var asked))
        {
            return isAnyone && Volatile.Read(ref strangers) < RpcCall.TargetsMax ? AnswerWorth.First : AnswerWorth.Unexpected;
        }

        return asked switch
        {
            Asked.Answered => AnswerWorth.Repeated,
            Asked.InV1 when protocol != ChoriaProtocol.V1 => AnswerWorth.Unexpected,
            Asked.InV2 when protocol != ChoriaProtocol.V2 => AnswerWorth.Unexpected,
            _ => AnswerWorth.First,
        };
    }

    /// <summary>Takes a node's answer; false when another was taken meanwhile.</summary>
    public bool TryAnswer(string identity)
    {
        while (true)
        {
            if (!nodes.TryGetValue(identity, out var asked))
            {
                if (!nodes.TryAdd(identity, Asked.Answered))
                {
                    continue;
                }

                Interlocked.Increment(ref strangers);
                return true;
            }

            if (asked == Asked.Answered)
            {
                return false;
            }

            if (nodes.TryUpdate(identity, Asked.Answered, asked))
            {
                return true;
            }
        }
    }

    private enum Asked : byte
    {
        InV1,
        InV2,
        InEither,
        Answered,
    }
}

internal enum AnswerWorth
{
    First,
    Repeated,
    Unexpected,
}

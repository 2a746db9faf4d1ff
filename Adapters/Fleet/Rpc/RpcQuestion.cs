using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>What is asked of many nodes, and where: what all signatures of one request have in common.</summary>
/// <param name="Network">The overlay.</param>
/// <param name="Collective">The collective in which its nodes are addressed.</param>
/// <param name="Agent">The agent that shall act.</param>
/// <param name="Name">The call as messages name it: <c>rpcutil#ping</c>.</param>
/// <param name="Body">What the agent reads.</param>
/// <param name="TimeToLive">For how long nodes take a request after it was signed.</param>
internal sealed record RpcQuestion(
    string Network, string Collective, string Agent, string Name, ReadOnlyMemory<byte> Body, TimeSpan TimeToLive)
{
    /// <summary>Where replies go instead; null when they come here.</summary>
    public string? ReplySubject { get; init; }

    /// <summary>For how many seconds nodes of a protocol take it: what is below Choria's own bound is raised to it.</summary>
    public int SecondsToLive(ChoriaProtocol protocol)
    {
        var seconds = (int)Math.Ceiling(TimeToLive.TotalSeconds);
        return protocol == ChoriaProtocol.V1 ? Math.Max(seconds, ChoriaLimits.V1TimeToLiveSecondsMin) : seconds;
    }
}

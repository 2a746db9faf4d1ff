using System.Text;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Choria's RPC to many nodes of an overlay: one request, signed once for each protocol, and its replies as they come.</summary>
/// <remarks>Thread-safe. It decides nothing: whom to ask, how many at once and what silence means is for the caller.</remarks>
public interface INodeRpc
{
    /// <summary>
    /// Makes a request that is signed once for each protocol, and sent to nodes as they are named. Cheap; nothing is sent yet.
    /// </summary>
    /// <exception cref="ArgumentException">The call is malformed: the message says what and how to mend it.</exception>
    IRpcRequest Open(RpcCall call);

    /// <summary>
    /// Asks who is there by Choria's broadcast discovery, in every protocol that we can sign, until the window has passed. Repeatable.
    /// </summary>
    /// <returns>The identities that answered with proof, each once, in ordinal order.</returns>
    /// <exception cref="NetworkUnavailableException">Nobody could be asked.</exception>
    Task<IReadOnlyList<string>> DiscoverAsync(string overlay, RpcFilter filter, TimeSpan window, CancellationToken cancellationToken);

    /// <summary>Calls a service agent: one of its many instances answers. As repeatable as its action is.</summary>
    /// <exception cref="NodeSilentException">No reply within the patience: what was done is unknown.</exception>
    /// <exception cref="NetworkUnavailableException">We could not ask, or not hear.</exception>
    Task<RpcNodeReply> AskServiceAsync(
        string overlay,
        string agent,
        string action,
        ReadOnlyMemory<byte> inputsJson,
        TimeSpan patience,
        CancellationToken cancellationToken);
}

/// <summary>One request to many nodes. Disposing it ends the reading of its replies; later ones are dropped.</summary>
/// <remarks>
/// Thread-safe. A request that is older than half of its time to live is signed anew for further targets: replies to either are taken.
/// </remarks>
public interface IRpcRequest : IAsyncDisposable
{
    /// <summary>
    /// Publishes to each node directly, in this order. A node is given the request at most once, whoever names it again. Returns when all
    /// are handed to the connection.
    /// </summary>
    /// <returns>
    /// How many of the list were dealt with, counted from its begin (with those that had been given it before); fewer than all when the
    /// network went away or the call was ended: the rest were not sent, and may be sent later.
    /// </returns>
    /// <exception cref="OperationCanceledException">The call was ended before any was sent.</exception>
    /// <exception cref="ArgumentException">
    /// A target's identity is malformed, or there are more than <see cref="RpcCall.TargetsMax"/>: nothing was sent.
    /// </exception>
    /// <exception cref="NetworkUnavailableException">
    /// None was sent: the network is away, or we cannot sign what a target believes.
    /// </exception>
    Task<int> SendAsync(IReadOnlyList<RpcTarget> targets, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes once to the agent's broadcast subject, in every protocol that we can sign: nodes that the filter fits may answer.
    /// </summary>
    /// <remarks>In v1 nothing is signed: where nodes of both protocols are asked so, a v1 reply proves nothing of its sender.</remarks>
    /// <param name="filter">Which nodes execute it; the agent itself is added.</param>
    /// <param name="expected">Whose replies are taken; anyone's when it is empty.</param>
    /// <param name="cancellationToken">Ends waiting for the network.</param>
    /// <exception cref="NetworkUnavailableException">It was not sent, or not surely.</exception>
    Task BroadcastAsync(RpcFilter filter, IReadOnlyCollection<string> expected, CancellationToken cancellationToken);

    /// <summary>
    /// Replies as they come: verified (the request, that the sender was asked, the hash, and the signature where nodes sign), each node
    /// once. Ends when the request is disposed. One reader.
    /// </summary>
    /// <remarks>It ends at once where <see cref="RpcCall.ReplySubject"/> names where replies go.</remarks>
    IAsyncEnumerable<RpcNodeReply> ReadRepliesAsync(CancellationToken cancellationToken);

    /// <summary>What was dropped so far.</summary>
    RpcDropped Dropped { get; }
}

/// <summary>What to ask of nodes.</summary>
/// <param name="Overlay">The overlay whose nodes are asked.</param>
/// <param name="Agent">The agent, as Choria names it.</param>
/// <param name="Action">Its action.</param>
/// <param name="InputsJson">The inputs: a JSON object, in UTF-8; none when it is empty.</param>
public sealed record RpcCall(string Overlay, string Agent, string Action, ReadOnlyMemory<byte> InputsJson)
{
    /// <summary>Nodes that one request may be sent to.</summary>
    public const int TargetsMax = 100_000;

    /// <summary>
    /// For how long nodes take the request after it was signed. 1 second to 1 hour; 60 seconds by default, as in Choria. Protocol v1
    /// knows nothing below 30 seconds.
    /// </summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Where replies go instead, such as a stream's subject; then none are read here. Null by default.</summary>
    public string? ReplySubject { get; init; }
}

/// <param name="Identity">The node.</param>
/// <param name="Protocol">The protocol that it speaks; <see cref="NodeProtocol.Unknown"/> is taken for v2.</param>
public sealed record RpcTarget(string Identity, NodeProtocol Protocol);

/// <summary>Which nodes a broadcast is for, in Choria's text form. All kinds must match; an empty list does not constrain.</summary>
/// <param name="Facts">Comparisons, <c>os.family=RedHat</c>: all must hold.</param>
/// <param name="Classes">Configuration management classes, or <c>/regex/</c>: all must be there.</param>
/// <param name="Agents">Agents, or <c>/regex/</c>: all must be there.</param>
/// <param name="Identities">Identities, or <c>/regex/</c>: one must match.</param>
/// <param name="Compound">Expressions that the node evaluates: all must hold.</param>
public sealed record RpcFilter(
    IReadOnlyList<string> Facts,
    IReadOnlyList<string> Classes,
    IReadOnlyList<string> Agents,
    IReadOnlyList<string> Identities,
    IReadOnlyList<string> Compound)
{
    /// <summary>Constrains nothing.</summary>
    public static RpcFilter Everyone { get; } = new([], [], [], [], []);
}

/// <summary>A node's verified reply.</summary>
/// <param name="Identity">Who answered.</param>
/// <param name="StatusCode">Choria's: 0 is done, 1 failed, 2 to 5 were not executed.</param>
/// <param name="Message">The node's words, at most 1,024 characters; <c>OK</c> when all is well.</param>
/// <param name="DataJson">What the action answers: a JSON object in UTF-8, or what the node sent in its place; empty when nothing.</param>
/// <param name="At">When it came, by our clock.</param>
public sealed record RpcNodeReply(string Identity, int StatusCode, string Message, ReadOnlyMemory<byte> DataJson, DateTimeOffset At)
{
    /// <summary><see cref="DataJson"/> as text; null when it is empty.</summary>
    public string? DataText => DataJson.IsEmpty ? null : Encoding.UTF8.GetString(DataJson.Span);
}

/// <summary>Replies that were not taken.</summary>
/// <param name="Unexpected">Of nodes that were not asked, or to another request.</param>
/// <param name="Duplicates">Further ones of a node that has answered.</param>
/// <param name="Unverified">Unreadable, too old, unsigned where nodes sign, or signed wrongly.</param>
public sealed record RpcDropped(long Unexpected, long Duplicates, long Unverified)
{
    /// <summary>Those that came while too many waited to be read: some 16,000 replies, or 256 MiB of them.</summary>
    public long Unread { get; init; }
}

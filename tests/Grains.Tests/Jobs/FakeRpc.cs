using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Nodes in memory: each executes a request once and answers as the test says.</summary>
internal sealed class FakeRpc(TimeProvider time) : INodeRpc
{
    private readonly List<Request> open = [];
    private int unread;

    /// <summary>The status code that a node answers to an action, by how often it has executed it; null when it stays silent.</summary>
    public Func<string, string, int, int?> Answer { get; set; } = (_, _, _) => 0;

    /// <summary>The data of a node's answer to an action, by how often it has executed it.</summary>
    public Func<string, string, int, string> Data { get; set; } = (_, _, _) => "{}";

    /// <summary>How often each node executed which action.</summary>
    public Dictionary<(string Node, string Action), int> Executed { get; } = [];

    /// <summary>Called for each request to a node, before it executes it.</summary>
    public Action<string>? OnSend { get; set; }

    /// <summary>Replies that were given and not handled yet.</summary>
    public int Unread => Volatile.Read(ref unread);

    /// <summary>Whether the network takes requests.</summary>
    public bool IsAway { get; set; }

    /// <summary>Who answers discovery.</summary>
    public IReadOnlyList<string> Discovered { get; set; } = [];

    /// <summary>What discovery asked for last.</summary>
    public RpcFilter? DiscoveredBy { get; private set; }

    /// <summary>What is sent waits for this; null when the brokers are there.</summary>
    public Task? Reconnects { get; set; }

    /// <summary>How often something waited for the brokers.</summary>
    public int Reconnecting { get; private set; }

    public IRpcRequest Open(RpcCall call)
    {
        var request = new Request(this, call);
        open.Add(request);
        return request;
    }

    /// <summary>A node answers an action late: to the request by which it was given it last.</summary>
    public void Reply(string node, string action, int status = 0) =>
        open.Last(request => request.HasGiven(node, action)).Reply(node, status);

    public Task<IReadOnlyList<string>> DiscoverAsync(
        string overlay, RpcFilter filter, TimeSpan window, CancellationToken cancellationToken)
    {
        DiscoveredBy = filter;
        return IsAway ? throw new NetworkUnavailableException("the broker is away") : Task.FromResult(Discovered);
    }

    public Task<RpcNodeReply> AskServiceAsync(
        string overlay,
        string agent,
        string action,
        ReadOnlyMemory<byte> inputsJson,
        TimeSpan patience,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    private sealed class Request(FakeRpc rpc, RpcCall call) : IRpcRequest
    {
        private readonly Channel<RpcNodeReply> replies = Channel.CreateUnbounded<RpcNodeReply>();
        private readonly HashSet<string> given = new(StringComparer.Ordinal);
        private int waiting;

        public RpcDropped Dropped => new(0, 0, 0);

        public async Task<int> SendAsync(IReadOnlyList<RpcTarget> targets, CancellationToken cancellationToken)
        {
            if (rpc.Reconnects is { } broker)
            {
                rpc.Reconnecting++;
                await broker.WaitAsync(cancellationToken);
            }

            if (rpc.IsAway)
            {
                throw new NetworkUnavailableException("the broker is away");
            }

            foreach (var (node, _) in targets.Where(target => given.Add(target.Identity)))
            {
                rpc.OnSend?.Invoke(node);
                var times = rpc.Executed[(node, call.Action)] = rpc.Executed.GetValueOrDefault((node, call.Action)) + 1;
                if (rpc.Answer(node, call.Action, times) is { } status)
                {
                    Reply(node, status);
                }
            }

            return targets.Count;
        }

        public bool HasGiven(string node, string action) => call.Action == action && given.Contains(node);

        public void Reply(string node, int status)
        {
            var data = Encoding.UTF8.GetBytes(rpc.Data(node, call.Action, rpc.Executed[(node, call.Action)]));
            Count(1);
            replies.Writer.TryWrite(new RpcNodeReply(node, status, status == 0 ? "" : "it failed", data, rpc.CurrentTime));
        }

        public Task BroadcastAsync(RpcFilter filter, IReadOnlyCollection<string> expected, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public async IAsyncEnumerable<RpcNodeReply> ReadRepliesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var reply in replies.Reader.ReadAllAsync(cancellationToken))
            {
                yield return reply;
                Count(-1);
            }
        }

        public ValueTask DisposeAsync()
        {
            replies.Writer.TryComplete();
            Count(-Volatile.Read(ref waiting));
            return default;
        }

        private void Count(int change)
        {
            Interlocked.Add(ref waiting, change);
            Interlocked.Add(ref rpc.unread, change);
        }
    }

    private DateTimeOffset CurrentTime => time.GetUtcNow();
}

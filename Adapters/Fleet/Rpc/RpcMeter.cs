using System.Diagnostics.Metrics;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>What is counted of calls to many nodes; <c>docs/METRICS.md</c> describes it.</summary>
internal sealed class RpcMeter : IDisposable
{
    public const string Unexpected = "unexpected";
    public const string Duplicate = "duplicate";
    public const string Unverified = "unverified";
    public const string Unread = "unread";

    private readonly Meter meter = new("ControlPlane.Rpc");
    private readonly Counter<long> requests;
    private readonly Counter<long> sent;
    private readonly Counter<long> replies;

    public RpcMeter()
    {
        requests = meter.CreateCounter<long>(
            "controlplane.rpc.requests", "{request}", "Requests to many nodes, discoveries and calls of service agents that were made.");
        sent = meter.CreateCounter<long>(
            "controlplane.rpc.sent", "{message}", "Messages to nodes that were handed to the connection, by how they are addressed.");
        replies = meter.CreateCounter<long>(
            "controlplane.rpc.replies", "{reply}", "Replies that came, by the node's status or by why they were dropped.");
    }

    public void Request() => requests.Add(1);

    public void Sent(long messages, string address) => sent.Add(messages, new KeyValuePair<string, object?>("address", address));

    public void Reply(string outcome) => replies.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>A node's status as the metric names it: agents of third parties send whatever number they like.</summary>
    public static string OutcomeOf(int statusCode) => statusCode switch
    {
        (int)RpcStatus.Ok => "ok",
        (int)RpcStatus.Aborted => "aborted",
        (int)RpcStatus.UnknownAction => "unknown_action",
        (int)RpcStatus.MissingData => "missing_data",
        (int)RpcStatus.InvalidData => "invalid_data",
        (int)RpcStatus.UnknownError => "unknown_error",
        _ => "other",
    };

    public void Dispose() => meter.Dispose();
}

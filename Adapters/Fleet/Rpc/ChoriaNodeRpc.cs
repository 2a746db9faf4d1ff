using System.Text.Json;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>Choria's RPC to many nodes over the silo's shared connections.</summary>
internal sealed partial class ChoriaNodeRpc(
    ReplyInboxes inboxes,
    RegionCaller caller,
    ReplyTrust trust,
    IOptionsMonitor<OverlaysOptions> overlays,
    RpcMeter meter,
    TimeProvider time,
    ILogger<ChoriaNodeRpc> logger) : INodeRpc
{
    private static readonly TimeSpan TimeToLiveMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TimeToLiveMax = TimeSpan.FromHours(1);

    public IRpcRequest Open(RpcCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.TimeToLive < TimeToLiveMin || call.TimeToLive > TimeToLiveMax)
        {
            throw new ArgumentException($"the time to live is from 1 second to 1 hour, and not {call.TimeToLive}", nameof(call));
        }

        if (call.ReplySubject is { } subject && !Subject().IsMatch(subject))
        {
            throw new ArgumentException($"'{subject}' is no subject that replies can go to", nameof(call));
        }

        var question = Question(call.Overlay, call.Agent, call.Action, call.InputsJson, call.TimeToLive);
        return Request(question with { ReplySubject = call.ReplySubject }, ReadRpc);
    }

    public async Task<IReadOnlyList<string>> DiscoverAsync(
        string overlay, RpcFilter filter, TimeSpan window, CancellationToken cancellationToken)
    {
        var wire = ChoriaFilters.Read(filter);
        var question = new RpcQuestion(
            overlay, CollectiveOf(overlay), Discovery.Agent, Discovery.Agent, Discovery.Ping, TimeSpan.FromSeconds(60));
        await using var request = Request(question, ReadPong);
        var subject = ChoriaSubjects.Broadcast(question.Collective, Discovery.Agent);
        await request.PublishAsync(subject, request.Spoken(), wire, [], cancellationToken);

        var found = new SortedSet<string>(StringComparer.Ordinal);
        using var closing = new CancellationTokenSource(window, time);
        await using var closed = closing.Token.Register(request.Complete);
        await foreach (var reply in request.ReadRepliesAsync(cancellationToken))
        {
            found.Add(reply.Identity);
        }

        return [.. found];
    }

    public async Task<RpcNodeReply> AskServiceAsync(
        string overlay,
        string agent,
        string action,
        ReadOnlyMemory<byte> inputsJson,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        var question = Question(overlay, agent, action, inputsJson, TimeSpan.FromSeconds(60));
        await using var request = Request(question, ReadRpc);

        // Sent in both protocols it would be done twice.
        var subject = ChoriaSubjects.ServiceAgent(question.Collective, agent);
        await request.PublishAsync(subject, [request.Spoken()[0]], ChoriaFilter.Everyone, [], cancellationToken);

        using var closing = new CancellationTokenSource(patience, time);
        await using var closed = closing.Token.Register(request.Complete);
        await foreach (var reply in request.ReadRepliesAsync(cancellationToken))
        {
            return reply;
        }

        throw request.HasHeardAll
            ? new NodeSilentException($"no instance answered {question.Name} within {patience.TotalSeconds:0} s")
            : new NetworkUnavailableException($"the network '{overlay}' was not there all the time while {question.Name} was called");
    }

    private RpcQuestion Question(
        string overlay, string agent, string action, ReadOnlyMemory<byte> inputsJson, TimeSpan timeToLive)
    {
        ArgumentException.ThrowIfNullOrEmpty(overlay);
        if (!Name().IsMatch(agent) || !Name().IsMatch(action))
        {
            throw new ArgumentException(
                $"'{agent}#{action}' names no action: agents and actions are 1 to 64 letters, digits, underscores and hyphens");
        }

        RequireObject(inputsJson);
        var body = new RpcRequest(agent, action, inputsJson).Encode();
        return new RpcQuestion(overlay, CollectiveOf(overlay), agent, $"{agent}#{action}", body, timeToLive);
    }

    private static void RequireObject(ReadOnlyMemory<byte> inputsJson)
    {
        if (inputsJson.IsEmpty)
        {
            return;
        }

        try
        {
            using var inputs = JsonDocument.Parse(inputsJson);
            if (inputs.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new ArgumentException("the inputs of an action are a JSON object", nameof(inputsJson));
            }
        }
        catch (JsonException unreadable)
        {
            throw new ArgumentException($"the inputs are no JSON: {unreadable.Message}", nameof(inputsJson), unreadable);
        }
    }

    private NodeRpcRequest Request(RpcQuestion question, Func<ReceivedReply, RpcReply?> read)
    {
        meter.Request();
        return new NodeRpcRequest(question, inboxes, caller, trust, read, meter, time, logger);
    }

    private string CollectiveOf(string overlay) =>
        ChoriaNodeAgent.CollectiveOf(overlays.CurrentValue.Members.GetValueOrDefault(overlay));

    private static RpcReply? ReadRpc(ReceivedReply received) =>
        RpcReply.TryDecode(received.Reply.Body, out var reply, out _) ? reply : null;

    private static RpcReply? ReadPong(ReceivedReply received) =>
        Discovery.IsPong(received.Reply.Body.Span) ? RpcReply.Ok(Discovery.Agent, ReadOnlyMemory<byte>.Empty) : null;

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?=.{1,255}$)[\w$-]+(\.[\w$-]+)*$", RegexOptions.CultureInvariant)]
    private static partial Regex Subject();
}

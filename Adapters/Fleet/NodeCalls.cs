using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Requests to one node or to all, each with its waiter and its deadline, over the silo's shared connections.</summary>
internal sealed class NodeCalls(
    ReplyInboxes inboxes, RegionCaller caller, ReplyTrust replies, Contests contests, TimeProvider time)
{
    /// <inheritdoc cref="ReplyInboxes.Reaches"/>
    public bool Reaches(string network) => inboxes.Reaches(network);

    /// <inheritdoc cref="FleetConnections.HeardForAsync"/>
    public Task<TimeSpan> HeardForAsync(string network, CancellationToken cancellationToken) =>
        inboxes.HeardForAsync(network, cancellationToken);

    /// <summary>Calls one action of one node, in each of some protocols at once; the first reply counts.</summary>
    /// <exception cref="NodeSilentException">No reply in time.</exception>
    /// <exception cref="NodeRefusedException">The reply cannot be read.</exception>
    /// <exception cref="NetworkUnavailableException">The network was not there all the time.</exception>
    public async Task<(ChoriaProtocol Protocol, RpcReply Reply)> CallAsync(NodeCall call, CancellationToken cancellationToken)
    {
        var (received, _) = await AskAsync(call, cancellationToken);
        return RpcReply.TryDecode(received.Reply.Body, out var reply, out var fault)
            ? (received.Reply.Protocol, reply)
            : throw new NodeRefusedException(NodeFault.Unreadable, $"its reply to {call.Agent} cannot be read: {fault}");
    }

    /// <summary>The same for who wants to know who answers, whatever the answer says; with the key that signed it.</summary>
    /// <exception cref="NodeSilentException">No reply in time.</exception>
    /// <exception cref="NetworkUnavailableException">The network was not there all the time.</exception>
    public async Task<(ReceivedReply Received, string? Key)> AskAsync(NodeCall call, CancellationToken cancellationToken)
    {
        // The identity stands in the subject: a broker ends the connection, which all calls share, of whoever publishes to a malformed one.
        if (!NodeIdentity.IsValid(call.Identity))
        {
            throw new NodeRefusedException(NodeFault.Other, $"there is no node of that name: {NodeIdentity.Rule}");
        }

        // Over all of it: while its broker is away, sending takes as long as the connection does.
        using var patience = new CancellationTokenSource(call.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var inbox = inboxes.Of(call.Network, call.Collective, call.Identity);
        var outages = inbox.Outages;
        var waiter = new Waiter(call, replies, contests, time);
        var requests = call.Signers.Keys
            .Select(protocol => caller.Request(
                protocol, call.Collective, call.Agent, call.Body, ChoriaFilter.HavingAgent(call.Agent), time.GetUtcNow()))
            .ToArray();

        try
        {
            foreach (var request in requests)
            {
                inbox.Expect(request.Id, received => waiter.Receive(received, request));
                var payload = caller.Encode(request, call.Signers[request.Protocol], inbox.ReplySubject(call.Identity, request.Id));
                await inbox.PublishAsync(ChoriaSubjects.Node(call.Collective, call.Identity), payload, either.Token);
            }

            var received = await waiter.Answer.WaitAsync(either.Token);
            return (received, replies.KeyOf(received, call.Network));
        }
        catch (OperationCanceledException late) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw inbox.HasHeardAllSince(outages)
                ? new NodeSilentException(
                    $"no answer to {call.Agent}#{call.Action} within {call.Timeout.TotalSeconds:0} s{waiter.Disbelieved}", late)
                : new NetworkUnavailableException(
                    $"the network '{call.Network}' was not there all the time while {call.Agent}#{call.Action} was called", late);
        }
        catch (Exception unsent) when (NatsFault.Is(unsent))
        {
            throw new NetworkUnavailableException($"{call.Agent}#{call.Action} could not be sent: {unsent.Message}", unsent);
        }
        finally
        {
            var isAnswered = waiter.End();
            foreach (var request in requests)
            {
                if (isAnswered && call.IsContestable)
                {
                    inbox.ListenOn(request.Id);
                }
                else
                {
                    inbox.Forget(request.Id);
                }
            }
        }
    }

    /// <summary>Pings every node that has an agent, and hands over who answers until it is disposed.</summary>
    /// <exception cref="NetworkUnavailableException">It could not be sent in time.</exception>
    public async Task<IDisposable> PingAsync(
        string network,
        string collective,
        string agent,
        IEnumerable<ChoriaProtocol> protocols,
        Action<ReceivedReply> receive,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var ping = new Ping(inboxes.Of(network, collective, agent));
        try
        {
            await SendAsync(ping, collective, agent, protocols, receive, either.Token);
            return ping;
        }
        catch (Exception unsent) when (
            NatsFault.Is(unsent) || (unsent is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            ping.Dispose();
            throw new NetworkUnavailableException(
                $"nodes could not be asked on the network '{network}' within {timeout.TotalSeconds:0} s: {unsent.Message}", unsent);
        }
    }

    private async Task SendAsync(
        Ping ping,
        string collective,
        string agent,
        IEnumerable<ChoriaProtocol> protocols,
        Action<ReceivedReply> receive,
        CancellationToken cancellationToken)
    {
        var inbox = ping.Inbox;
        foreach (var protocol in protocols)
        {
            var request = caller.Request(
                protocol, collective, Discovery.Agent, Discovery.Ping, ChoriaFilter.HavingAgent(agent), time.GetUtcNow());
            ping.Ids.Add(request.Id);
            inbox.Expect(request.Id, receive);
            var payload = caller.Encode(request, RequestSigner.Insecure, inbox.ReplySubject(ReplySubjects.Everybody, request.Id));
            await inbox.PublishAsync(ChoriaSubjects.Broadcast(collective, Discovery.Agent), payload, cancellationToken);
        }
    }

    /// <summary>Waits for the first reply that is believed. What is not believed may be anyone's: it does not end the call.</summary>
    /// <remarks>It outlives the call where another answer would be a contest; then it keeps a digest, not the reply.</remarks>
    private sealed class Waiter(NodeCall call, ReplyTrust replies, Contests contests, TimeProvider time)
    {
        // By request: two protocols' answers to one call are of two requests. Replies of one inbox come one at a time.
        private readonly Dictionary<string, byte[]> firsts = new(StringComparer.Ordinal);
        private readonly DateTimeOffset askedAt = time.GetUtcNow();
        private volatile TaskCompletionSource<ReceivedReply>? answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ReplyFault? fault;
        private bool isContested;

        public Task<ReceivedReply> Answer => answer!.Task;

        /// <summary>Lets go of the reply.</summary>
        /// <returns>Whether there was one.</returns>
        public bool End()
        {
            var isAnswered = Answer.IsCompletedSuccessfully;
            answer = null;
            return isAnswered;
        }

        /// <summary>What was wrong with the last reply that was not believed, for the message of a silence.</summary>
        public string Disbelieved => fault is null ? "" : $"; a reply that came was not believed: {fault.Detail}";

        public void Receive(ReceivedReply received, ChoriaRequest request)
        {
            fault = ReplyVerification.Judge(received, request, call.Identity, replies.Of(call.Network, request.Protocol), time.GetUtcNow());
            if (fault is not null)
            {
                return;
            }

            answer?.TrySetResult(received);
            if (!call.IsContestable || isContested)
            {
                return;
            }

            var digest = SHA256.HashData(received.Reply.Body.Span);
            if (!firsts.TryAdd(request.Id, digest) && !digest.AsSpan().SequenceEqual(firsts[request.Id]))
            {
                isContested = true;
                contests.Tell(call.Identity, new ContestedAnswer(call.Action, askedAt, time.GetUtcNow()));
            }
        }
    }

    private sealed class Ping(ReplyInbox inbox) : IDisposable
    {
        public ReplyInbox Inbox => inbox;

        public List<string> Ids { get; } = [];

        public void Dispose() => Ids.ForEach(inbox.Forget);
    }
}

/// <param name="Network">The network that the node is on.</param>
/// <param name="Collective">The collective that it is addressed in.</param>
/// <param name="Identity">The node.</param>
/// <param name="Agent">The agent that shall act.</param>
/// <param name="Action">The action, for messages.</param>
/// <param name="Body">The encoded RPC request.</param>
/// <param name="Signers">How to sign, for each protocol that is to be tried.</param>
/// <param name="Timeout">How long to wait.</param>
internal sealed record NodeCall(
    string Network,
    string Collective,
    string Identity,
    string Agent,
    string Action,
    ReadOnlyMemory<byte> Body,
    IReadOnlyDictionary<ChoriaProtocol, RequestSigner> Signers,
    TimeSpan Timeout)
{
    /// <summary>Whether one node gives one answer only: another than the first is another machine's, however late it comes.</summary>
    public bool IsContestable { get; init; }
}

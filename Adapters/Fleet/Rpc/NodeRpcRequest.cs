using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>One request to many nodes, over one of the overlay's connections.</summary>
internal sealed class NodeRpcRequest : IRpcRequest
{
    /// <summary>For all that one call hands to the connection: 100,000 messages take seconds, and a broker that is away longer.</summary>
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(30);

    private static readonly ChoriaProtocol[] Protocols = [ChoriaProtocol.V2, ChoriaProtocol.V1];

    private readonly RpcQuestion question;
    private readonly ReplyInboxes inboxes;
    private readonly AskedNodes asked = new();
    private readonly SignedQuestion requests;
    private readonly ReplyGathering replies;
    private readonly RpcMeter meter;
    private readonly TimeProvider time;

    // One request has one connection: which one does not matter, so long as requests are spread over them.
    private readonly string key;
    private ReplyInbox? heardBy;
    private long outagesBefore;
    private int isClosed;

    /// <param name="question">What is asked.</param>
    /// <param name="inboxes">The connections.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="trust">Whose signatures are believed.</param>
    /// <param name="read">Reads what the agent answers; null when it cannot be read.</param>
    /// <param name="meter">Hears of all of it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of faults of ours.</param>
    public NodeRpcRequest(
        RpcQuestion question,
        ReplyInboxes inboxes,
        RegionCaller caller,
        ReplyTrust trust,
        Func<ReceivedReply, RpcReply?> read,
        RpcMeter meter,
        TimeProvider time,
        ILogger logger)
    {
        (this.question, this.inboxes, this.meter, this.time) = (question, inboxes, meter, time);
        key = RequestId.New(ChoriaProtocol.V2, time.GetUtcNow());
        requests = new SignedQuestion(question, caller, payload => replies!.Take(payload), time);
        replies = new ReplyGathering(
            new ReplyJudge(question.Network, requests, asked, trust, read, time).Judge, meter, logger);
        if (question.ReplySubject is not null)
        {
            replies.Complete();
        }
    }

    /// <summary>Whether no reply can have been missed since the request was first sent.</summary>
    public bool HasHeardAll => heardBy?.HasHeardAllSince(outagesBefore) == true;

    public RpcDropped Dropped => replies.Dropped;

    public async Task<int> SendAsync(IReadOnlyList<RpcTarget> targets, CancellationToken cancellationToken)
    {
        Require(targets);
        if (targets.Count == 0)
        {
            return 0;
        }

        // Out of the turn of a grain, for which thousands of messages are too long a work.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var patience = new CancellationTokenSource(SendTimeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var inbox = await ReadyAsync(limit.Token, cancellationToken);
        var outages = inbox.Outages;
        foreach (var unsignable in targets.Select(ProtocolOf).Distinct().Where(protocol => !requests.CanSign(protocol)))
        {
            throw requests.CannotSign(unsignable);
        }

        var (dealtWith, sent) = (0, 0);
        try
        {
            for (; dealtWith < targets.Count && inbox.HasHeardAllSince(outages); dealtWith++)
            {
                sent += await SendAsync(inbox, targets[dealtWith], limit.Token) ? 1 : 0;
            }
        }
        catch (Exception unsent) when (IsAway(unsent, cancellationToken) || (unsent is OperationCanceledException && dealtWith > 0))
        {
            // That one was taken back, and the rest was not begun.
        }

        meter.Sent(sent, "node");
        return dealtWith > 0 ? dealtWith : throw Away();
    }

    public async Task BroadcastAsync(RpcFilter filter, IReadOnlyCollection<string> expected, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var wire = ChoriaFilters.Read(filter);
        Require(expected.Count);
        var having = wire with { Agents = [question.Agent, .. wire.Agents.Where(agent => agent != question.Agent)] };
        await PublishAsync(ChoriaSubjects.Broadcast(question.Collective, question.Agent), Spoken(), having, expected, cancellationToken);
    }

    /// <summary>Publishes to any subject, in some protocols, and takes the replies of anyone unless some are expected.</summary>
    /// <exception cref="NetworkUnavailableException">It was not sent, or not surely.</exception>
    public async Task PublishAsync(
        string subject,
        IReadOnlyList<ChoriaProtocol> protocols,
        ChoriaFilter filter,
        IReadOnlyCollection<string> expected,
        CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var patience = new CancellationTokenSource(SendTimeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var inbox = await ReadyAsync(limit.Token, cancellationToken);
        var outages = inbox.Outages;
        asked.Expect(expected);
        try
        {
            foreach (var protocol in protocols)
            {
                await inbox.PublishAsync(subject, requests.ToAll(inbox, protocol, filter), limit.Token);
            }

            await inbox.FlushAsync(limit.Token);
        }
        catch (Exception unsent) when (IsAway(unsent, cancellationToken))
        {
            throw Away(unsent);
        }

        if (!inbox.HasHeardAllSince(outages))
        {
            throw Away();
        }

        meter.Sent(protocols.Count, "all");
    }

    public IAsyncEnumerable<RpcNodeReply> ReadRepliesAsync(CancellationToken cancellationToken) => replies.ReadAsync(cancellationToken);

    /// <summary>The protocols in which nodes believe us.</summary>
    /// <exception cref="NetworkUnavailableException">There is none: the message names the setting.</exception>
    public IReadOnlyList<ChoriaProtocol> Spoken()
    {
        ChoriaProtocol[] spoken = [.. Protocols.Where(requests.CanSign)];
        return spoken.Length > 0 ? spoken : throw requests.CannotSign(Protocols[0]);
    }

    /// <summary>No more replies are waited for: reading ends with those that came.</summary>
    public void Complete() => replies.Complete();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isClosed, 1) == 0)
        {
            requests.Forget();
            await replies.DisposeAsync();
        }
    }

    private async Task<bool> SendAsync(ReplyInbox inbox, RpcTarget target, CancellationToken cancellationToken)
    {
        var protocol = ProtocolOf(target);
        if (!asked.TryAsk(target.Identity, protocol))
        {
            return false;
        }

        try
        {
            var payload = requests.ToNode(inbox, protocol);
            await inbox.PublishAsync(ChoriaSubjects.Node(question.Collective, target.Identity), payload, cancellationToken);
            return true;
        }
        catch
        {
            asked.Unask(target.Identity);
            throw;
        }
    }

    private void Require(IReadOnlyList<RpcTarget> targets)
    {
        ArgumentNullException.ThrowIfNull(targets);
        Require(targets.Count);

        // The identity stands in the subject: a broker ends the connection, which all calls share, of whoever publishes to a malformed one.
        if (targets.FirstOrDefault(target => !NodeIdentity.IsValid(target.Identity)) is { } malformed)
        {
            throw new ArgumentException($"there is no node '{malformed.Identity}': {NodeIdentity.Rule}", nameof(targets));
        }
    }

    private void Require(int more)
    {
        ObjectDisposedException.ThrowIf(isClosed != 0, this);
        if (asked.Count + more > RpcCall.TargetsMax)
        {
            throw new ArgumentException($"one request is sent to at most {RpcCall.TargetsMax} nodes: open another for the rest");
        }
    }

    private async Task<ReplyInbox> ReadyAsync(CancellationToken limited, CancellationToken cancellationToken)
    {
        var inbox = inboxes.Of(question.Network, question.Collective, key);
        try
        {
            await inbox.ReadyAsync(limited);
            if (Interlocked.CompareExchange(ref heardBy, inbox, null) is null)
            {
                outagesBefore = inbox.Outages;
            }

            return inbox;
        }
        catch (Exception away) when (IsAway(away, cancellationToken))
        {
            throw Away(away);
        }
    }

    private NetworkUnavailableException Away(Exception? why = null) => new(
        $"{question.Name} could not be sent: the network '{question.Network}' is away{(why is null ? "" : $" ({why.Message})")}", why);

    private static bool IsAway(Exception fault, CancellationToken cancellationToken) =>
        NatsFault.Is(fault) || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static ChoriaProtocol ProtocolOf(RpcTarget target) =>
        target.Protocol == NodeProtocol.V1 ? ChoriaProtocol.V1 : ChoriaProtocol.V2;
}

using System.Collections.Concurrent;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>Decides log-ins by their credentials, by who is connected already, and by how the node stands here.</summary>
internal sealed partial class LogInAuthority(
    LogInJudge judge,
    NodeSessions sessions,
    IReadOnlyDictionary<string, BrokerMonitor> brokers,
    NodeReports nodes,
    AccessBrokersOptions options,
    LogInMeter meter,
    TimeProvider time,
    ILogger logger)
{
    // Whoever is refused tries again and again, and would leave no other line.
    private static readonly TimeSpan LinePause = TimeSpan.FromMilliseconds(500);

    /// <summary>After a question without an answer: while a whole fleet comes back, nobody shall wait for each.</summary>
    private static readonly TimeSpan StatePause = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, byte> uncheckedNodes = new(StringComparer.Ordinal);
    private long lastLineAt;
    private long unansweredAt;

    public async Task<LogInVerdict> DecideAsync(AuthorizationRequest request, CancellationToken cancellationToken)
    {
        var verdict = judge.Judge(request, time.GetUtcNow());
        if (verdict is LogInVerdict.Admitted { Owner: { } owner })
        {
            var refused = owner.IsUnprovisioned
                ? await ContestAsync(owner, request.Client.Host ?? "", cancellationToken)
                : await RefuseNodeAsync(owner, cancellationToken);
            verdict = refused ?? verdict;
        }

        switch (verdict)
        {
            case LogInVerdict.Refused refused:
                meter.Refused(refused.Fault);
                LogRefused(request.Server.Name, request.Client.Host, refused.Fault, refused.Detail);
                break;

            case LogInVerdict.Admitted admitted:
                meter.Admitted(admitted.Party.ToString());
                break;
        }

        return verdict;
    }

    /// <summary>
    /// Two are connected in one node's name, which only happens when both came at once or one was not known: it keeps the one that proved
    /// the node's key, or else the one that was first.
    /// </summary>
    public async Task SettleAsync(NodeSession newcomer, CancellationToken cancellationToken)
    {
        foreach (var other in sessions.Of(newcomer.Owner.Identity).Where(one => one != newcomer))
        {
            if ((newcomer.Owner.IsUnprovisioned || other.Owner.IsUnprovisioned) && await IsOpenAsync(other, cancellationToken))
            {
                await EndAsync(newcomer.Owner.IsUnprovisioned ? newcomer : other, LogInFault.Contested, cancellationToken);
            }
        }
    }

    /// <summary>Ends a node's connections whose credentials are not its present ones any more.</summary>
    public async Task EndSupersededAsync(string identity, CancellationToken cancellationToken)
    {
        foreach (var session in sessions.Of(identity))
        {
            if (!session.Owner.IsUnprovisioned && await FaultOfNodeAsync(session.Owner, cancellationToken) is { } fault)
            {
                await EndAsync(session, fault, cancellationToken);
            }
        }
    }

    /// <summary>Looks again at the nodes whose standing could not be told when it was asked for.</summary>
    public async Task CheckAgainAsync(CancellationToken cancellationToken)
    {
        foreach (var identity in uncheckedNodes.Keys.TakeWhile(_ => !IsStateAway()))
        {
            uncheckedNodes.TryRemove(identity, out _);
            await EndSupersededAsync(identity, cancellationToken);
        }
    }

    private async Task<LogInVerdict.Refused?> ContestAsync(SessionOwner owner, string host, CancellationToken cancellationToken)
    {
        foreach (var session in sessions.Of(owner.Identity))
        {
            if (await IsOpenAsync(session, cancellationToken))
            {
                if (IsLineDue())
                {
                    var how = session.Owner.IsUnprovisioned ? "is unprovisioned too" : "proved its key";
                    LogContested(owner.Identity, host, session.Host, how);
                }

                return new LogInVerdict.Refused(
                    LogInFault.Contested, $"{owner.Identity} is connected from {session.Host} already, and {host} is another");
            }
        }

        return null;
    }

    private async Task<LogInVerdict.Refused?> RefuseNodeAsync(SessionOwner owner, CancellationToken cancellationToken)
    {
        switch (await FaultOfNodeAsync(owner, cancellationToken))
        {
            case LogInFault.Superseded:
                if (IsLineDue())
                {
                    LogSuperseded(owner.Identity);
                }

                return new LogInVerdict.Refused(
                    LogInFault.Superseded, $"{owner.Identity} has other credentials now, or has left the fleet");

            case { } fault:
                return new LogInVerdict.Refused(
                    fault, $"no {owner.Identity} has enrolled here ({AccessBrokersOptions.Section}:{nameof(options.AdmitUnknownNodes)})");

            default:
                return null;
        }
    }

    private async Task<LogInFault?> FaultOfNodeAsync(SessionOwner owner, CancellationToken cancellationToken)
    {
        switch (await StandingOrNullAsync(owner, cancellationToken))
        {
            case KeyStatus.Superseded:
                return LogInFault.Superseded;

            // The silos' own look at what a node will find has a token like a node's, and is none.
            case KeyStatus.Unknown when !options.AdmitUnknownNodes && owner.Identity != NodeLoginCheck.TrialIdentity:
                return LogInFault.UnknownNode;

            case null:
                meter.Unchecked();
                if (uncheckedNodes.Count < NodeSessions.CountMax)
                {
                    uncheckedNodes.TryAdd(owner.Identity, default);
                }

                return null;

            default:
                return null;
        }
    }

    // An overlay goes on when its state cannot be reached: what is well signed is enough then.
    private async Task<KeyStatus?> StandingOrNullAsync(SessionOwner owner, CancellationToken cancellationToken)
    {
        if (IsStateAway())
        {
            return null;
        }

        try
        {
            return await nodes.JudgeKeyAsync(owner.Identity, owner.Key!)
                .WaitAsync(options.DecisionTimeout, time, cancellationToken);
        }
        catch (Exception away) when (!cancellationToken.IsCancellationRequested)
        {
            if (away is TimeoutException)
            {
                Interlocked.Exchange(ref unansweredAt, time.GetTimestamp());
            }

            LogUnchecked(owner.Identity, away.Message);
            return null;
        }
    }

    private bool IsStateAway() =>
        Interlocked.Read(ref unansweredAt) is not 0 and var at && time.GetElapsedTime(at) < StatePause;

    private bool IsLineDue()
    {
        var last = Interlocked.Read(ref lastLineAt);
        return (last == 0 || time.GetElapsedTime(last) > LinePause)
            && Interlocked.CompareExchange(ref lastLineAt, time.GetTimestamp(), last) == last;
    }

    // Events of the brokers can be lost, and a connection that is thought to be there would keep its node out for ever: so it is asked for.
    private async Task<bool> IsOpenAsync(NodeSession session, CancellationToken cancellationToken)
    {
        if (brokers.TryGetValue(session.Network, out var monitor) && await monitor.IsOpenAsync(session, cancellationToken))
        {
            return true;
        }

        sessions.Remove(session.Server, session.Id);
        return false;
    }

    private async Task EndAsync(NodeSession session, LogInFault fault, CancellationToken cancellationToken)
    {
        meter.Ended(fault);
        LogEnded(session.Owner.Identity, session.Host, fault);
        await brokers[session.Network].EndAsync(session, cancellationToken);
    }

    [LoggerMessage(LogLevel.Warning, "{Host} wants to enrol as {Node}, which is connected from {Present} and {How}: it is refused")]
    private partial void LogContested(string node, string host, string present, string how);

    [LoggerMessage(LogLevel.Warning, "{Node} showed credentials that are not its present ones, or has left the fleet: it is refused")]
    private partial void LogSuperseded(string node);

    [LoggerMessage(LogLevel.Debug, "The broker {Broker} is told to refuse who comes from {Host}: {Fault}, {Detail}")]
    private partial void LogRefused(string? broker, string? host, LogInFault fault, string detail);

    [LoggerMessage(LogLevel.Debug, "How {Node} stands cannot be told; its credentials are enough: {Reason}")]
    private partial void LogUnchecked(string node, string reason);

    [LoggerMessage(LogLevel.Warning, "The connection of {Node} from {Host} is ended: {Fault}")]
    private partial void LogEnded(string node, string host, LogInFault fault);
}

using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>
/// Keeps the connections at the brokers of one network known: by their events, and by reading their lists where those were missed.
/// </summary>
internal sealed class SessionWatch
{
    /// <summary>How long a broker that has joined or was lost goes unnoticed.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly NatsConnection connection;
    private readonly BrokerMonitor monitor;
    private readonly NodeSessions sessions;
    private readonly LogInAuthority authority;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private int hasReconnected;

    public SessionWatch(NatsConnection connection, BrokerMonitor monitor, NodeSessions sessions, LogInAuthority authority)
    {
        (this.connection, this.monitor, this.sessions, this.authority) = (connection, monitor, sessions, authority);

        // Events that came while we were away are lost.
        connection.ConnectionOpened += (_, _) =>
        {
            Interlocked.Exchange(ref hasReconnected, 1);
            return ValueTask.CompletedTask;
        };
    }

    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        await using var events = await connection.SubscribeCoreAsync<byte[]>(BrokerMonitor.Events, cancellationToken: cancellationToken);
        await foreach (var message in events.Msgs.ReadAllAsync(cancellationToken))
        {
            switch (monitor.Read(message))
            {
                case ({ } session, HasEnded: true):
                    sessions.Remove(session.Server, session.Id);
                    break;

                case ({ } session, HasEnded: false) when sessions.Add(session):
                    await authority.SettleAsync(session, cancellationToken);
                    break;
            }
        }
    }

    /// <summary>Reads the lists of brokers whose connections are not known, and forgets those of brokers that are gone.</summary>
    public async Task ListAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref hasReconnected, 0) == 1)
        {
            known.Clear();
        }

        var servers = await monitor.ServersAsync(cancellationToken);
        sessions.Keep(monitor.Network, servers);
        known.IntersectWith(servers);
        foreach (var server in servers.Where(one => !known.Contains(one)).ToList())
        {
            await ListAsync(server, cancellationToken);
            known.Add(server);
        }
    }

    // What comes while the list is read is told by events: only what was known before, and is not in it, has ended.
    private async Task ListAsync(string server, CancellationToken cancellationToken)
    {
        var gone = sessions.At(server).ToDictionary(session => session.Id);
        await foreach (var session in monitor.SessionsAsync(server, cancellationToken))
        {
            gone.Remove(session.Id);
            sessions.Add(session);
        }

        foreach (var id in gone.Keys)
        {
            sessions.Remove(server, id);
        }
    }
}

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>The connections of nodes, as the brokers tell of them. Every silo has all of them. Thread-safe.</summary>
internal sealed class NodeSessions
{
    /// <summary>Five overlays' nodes. Beyond it new ones are let in and not known.</summary>
    public const int CountMax = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Server, ulong Id), NodeSession> byId = [];
    private readonly Dictionary<string, List<NodeSession>> byIdentity = new(StringComparer.Ordinal);

    public int Count
    {
        get
        {
            lock (gate)
            {
                return byId.Count;
            }
        }
    }

    public IReadOnlyList<NodeSession> Of(string identity)
    {
        lock (gate)
        {
            return byIdentity.TryGetValue(identity, out var sessions) ? [.. sessions] : [];
        }
    }

    public IReadOnlyList<NodeSession> At(string server)
    {
        lock (gate)
        {
            return [.. byId.Values.Where(session => session.Server == server)];
        }
    }

    /// <summary>False when it was known, or there is no room.</summary>
    public bool Add(NodeSession session)
    {
        lock (gate)
        {
            if (byId.Count >= CountMax || !byId.TryAdd((session.Server, session.Id), session))
            {
                return false;
            }

            if (!byIdentity.TryGetValue(session.Owner.Identity, out var sessions))
            {
                byIdentity[session.Owner.Identity] = sessions = [];
            }

            sessions.Add(session);
            return true;
        }
    }

    public void Remove(string server, ulong id)
    {
        lock (gate)
        {
            if (byId.Remove((server, id), out var session))
            {
                var sessions = byIdentity[session.Owner.Identity];
                sessions.Remove(session);
                if (sessions.Count == 0)
                {
                    byIdentity.Remove(session.Owner.Identity);
                }
            }
        }
    }

    /// <summary>Forgets the connections at a network's brokers that are not there any more.</summary>
    public void Keep(string network, IReadOnlySet<string> servers)
    {
        NodeSession[] gone;
        lock (gate)
        {
            gone = [.. byId.Values.Where(session => session.Network == network && !servers.Contains(session.Server))];
        }

        foreach (var session in gone)
        {
            Remove(session.Server, session.Id);
        }
    }
}

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Finds the connection that a node shall use: its own, or that of its group.</summary>
internal sealed class SessionPool(int nodesPerConnection)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(int Group, string Network), BrokerSession> shared = [];
    private readonly HashSet<BrokerSession> open = [];

    /// <summary>Every connection in use, for the keep-alive.</summary>
    public IReadOnlyList<BrokerSession> Open
    {
        get
        {
            lock (gate)
            {
                return [.. open];
            }
        }
    }

    /// <summary>Enters a node into a connection to a network, and makes the connection if there is none that it can share.</summary>
    public (BrokerSession Session, Task Subscribed) Enter(
        int nodeIndex, string network, Func<BrokerSession> make, string identity, IReadOnlyList<string> collectives, ILinkListener node)
    {
        if (nodesPerConnection == 1)
        {
            // Not under the lock that all nodes share: making a session opens a certificate.
            var own = make();
            own.TryEnter(identity, collectives, node, out var ownSubscribed);
            lock (gate)
            {
                open.Add(own);
            }

            return (own, ownSubscribed);
        }

        lock (gate)
        {
            var place = (nodeIndex / nodesPerConnection, network);
            if (shared.TryGetValue(place, out var existing) && existing.TryEnter(identity, collectives, node, out var subscribed))
            {
                return (existing, subscribed);
            }

            shared[place] = make();
            shared[place].TryEnter(identity, collectives, node, out subscribed);
            open.Add(shared[place]);
            return (shared[place], subscribed);
        }
    }

    public void Leave(BrokerSession session, ILinkListener node)
    {
        session.Leave(node);
        if (session.HasEnded)
        {
            lock (gate)
            {
                open.Remove(session);
            }
        }
    }
}

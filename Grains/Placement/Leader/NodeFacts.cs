using ControlPlane.Nodes;

namespace ControlPlane.Placement;

/// <summary>What one overlay tells another of a node, and what of that is news. Pure.</summary>
/// <remarks>
/// There are at most three facts of a node: that it left the fleet, where it lives, and where a place is held for it. Each has the stamp
/// of its decision, and holds until a later one is known. A held place in which the node arrives keeps its stamp.
/// </remarks>
internal static class NodeFacts
{
    public const int PerNodeMax = 3;

    /// <summary>All that the ledger knows of a node.</summary>
    public static IEnumerable<LocalNode> Of(RegionState ledger, string identity)
    {
        var node = ledger.Node(identity);
        if (ledger.Departed.At(identity) is var left && left != default)
        {
            yield return new LocalNode(identity, 0, PlacedNode.NoAttributes, 0, Decided: left, State: LocalNodeState.Gone);
        }

        if (node?.Home is not null)
        {
            yield return LivesOf(node);
        }

        // What a plan holds ends with the leader that runs it.
        if (node?.LiveHold is { Attempt: not Reservation.ForPlan } held)
        {
            yield return new LocalNode(
                identity, held.Attempt, node.Attributes, node.Declared, held.Overlay, held.Decided, LocalNodeState.Held, held.Until,
                held.Keeper ?? "");
        }
    }

    /// <summary>Where a node lives that has arrived.</summary>
    public static LocalNode LivesOf(PlacedNode node) => new(
        node.Identity, node.HomeAttempt, node.Attributes, node.Declared, node.Home!, node.Decided, Keeper: node.Keeper ?? "");

    /// <summary>What changes in the ledger by a fact; nothing when as much or more is known.</summary>
    public static IEnumerable<PlacementChange> News(RegionState ledger, LocalNode fact, DateTimeOffset now, TimeSpan leaseMax)
    {
        var known = ledger.Node(fact.Identity);
        var left = ledger.Departed.At(fact.Identity);
        var isOfThePast = left != default && !fact.Decided.IsAfter(left);
        return fact.State switch
        {
            _ when isOfThePast => [],
            LocalNodeState.Gone => Left(known, fact),
            LocalNodeState.Held when IsHeldNews(known, fact, now) => [Hold(known, fact, now + leaseMax)],
            LocalNodeState.Lives when IsLivesNews(known, fact) => [Live(known, fact)],
            _ => [],
        };
    }

    private static IEnumerable<PlacementChange> Left(PlacedNode? known, LocalNode fact)
    {
        yield return new PlacementChange.NodeForgotten(fact.Identity) { Decided = fact.Decided };

        // It came back since.
        if (known is { Home: not null } && known.Decided.IsAfter(fact.Decided))
        {
            yield return new PlacementChange.NodeChanged(known);
        }
        else if (known?.Held is { } held && held.Decided.IsAfter(fact.Decided))
        {
            yield return new PlacementChange.NodeChanged(known with { Home = null, HomeAttempt = 0, Decided = default, Keeper = null });
        }
    }

    private static bool IsLivesNews(PlacedNode? known, LocalNode fact)
    {
        if (known is not { Home: { } home })
        {
            return true;
        }

        // Both from before decisions had stamps: attempts are all there is to go by.
        return known.Decided == default && fact.Decided == default
            ? fact.Attempt > known.HomeAttempt || (fact.Attempt == known.HomeAttempt && fact.Overlay != home)
            : fact.Decided.IsAfter(known.Decided);
    }

    /// <summary>Lets a node live where a fact says that it does.</summary>
    public static PlacementChange.NodeChanged Live(PlacedNode? known, LocalNode fact)
    {
        var held = known?.Held;
        var isHeldLater = held is not null
            && (held.Decided == default && fact.Decided == default ? held.Attempt > fact.Attempt : held.Decided.IsAfter(fact.Decided));
        return new PlacementChange.NodeChanged(Described(known, fact) with
        {
            Home = fact.Overlay,
            HomeAttempt = fact.Attempt,
            Held = isHeldLater ? held : null,
            Decided = fact.Decided,
            Keeper = KeeperOf(fact),
        });
    }

    private static bool IsHeldNews(PlacedNode? known, LocalNode fact, DateTimeOffset now) =>
        fact.Until > now
        && (known?.Home is null || fact.Decided.IsAfter(known.Decided))
        && (known?.Held is null || fact.Decided.IsAfter(known.Held.Decided));

    private static PlacementChange.NodeChanged Hold(PlacedNode? known, LocalNode fact, DateTimeOffset latest) =>
        new(Described(known, fact) with
        {
            Held = new Reservation(fact.Overlay, fact.Attempt, fact.Until < latest ? fact.Until : latest, false, known?.LiveHold?.Plan)
            {
                Decided = fact.Decided,
                Keeper = KeeperOf(fact),
            },
        });

    private static PlacedNode Described(PlacedNode? known, LocalNode fact) => (known ?? PlacedNode.New(fact.Identity)) with
    {
        Attributes = known is { Attributes: not PlacedNode.NoAttributes } ? known.Attributes : fact.Attributes,
        Declared = Math.Max(known?.Declared ?? 0, fact.Declared),

        // Why it is there is not told: what is known here explains another place.
        Trace = known is not null && known.Place == fact.Overlay ? known.Trace : [],
    };

    private static string? KeeperOf(LocalNode fact) => fact.Keeper.Length > 0 ? fact.Keeper : null;
}

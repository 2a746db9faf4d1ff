using System.Security.Cryptography;

namespace ControlPlane.Placement.Overlays;

/// <summary>What an overlay does with its places: see <see cref="IOverlayPlacementGrain"/>.</summary>
/// <remarks>
/// Runs in the turns of its grain. Each method judges and changes the places in one turn, then waits for the store; so changes are made one
/// after the other, and one journal record stores those of all calls that wait.
/// </remarks>
/// <param name="stored">The places.</param>
/// <param name="options">The configuration of now.</param>
/// <param name="hear">Told of a leader that was not known.</param>
internal sealed class OverlayPlacement(StoredPlaces stored, Func<OverlaysOptions> options, Func<LeaderEpoch, Task> hear)
{
    private readonly string incarnation = RandomNumberGenerator.GetHexString(16, lowercase: true);

    private OverlayPlaces Places => stored.Places;

    private string Overlay => Places.Overlay;

    public async Task<OverlayReply> Answer(LeaderEpoch by, OverlayCall call)
    {
        if (!options().Members.ContainsKey(by.Name))
        {
            throw new PlacementUnavailableException($"the region has no overlay '{by.Name}' that could lead it");
        }

        if (Places.Leader.IsOlderThan(by))
        {
            await hear(by);
        }

        // A later leader may have come while that was heard.
        CatchUp();
        if (by.IsOlderThan(Places.Leader))
        {
            await stored.Written;
            return new OverlayReply(Places.Header, Places.Leader);
        }

        if (Places.Leader.IsOlderThan(by))
        {
            // Before anything is done for it: an activation after this one must refuse the leader before it as well.
            _ = stored.Record(new PlacementChange.LeaderSet(by, "", "", stored.Now));
        }

        switch (call)
        {
            case OverlayCall.Reserve reserve:
                var verdicts = reserve.Nodes.Select(Reserve).ToArray();
                await stored.Written;
                return new OverlayReply(Places.Header, by, Reserved: verdicts);

            case OverlayCall.GiveBack unneeded:
                foreach (var node in unneeded.Identities.Select(Places.Node).OfType<PlacedNode>())
                {
                    _ = node.Held is { IsTaken: false } ? stored.GiveBack(node) : Task.CompletedTask;
                }

                break;

            case OverlayCall.List list:
                await stored.Written;
                return new OverlayReply(Places.Header, by, Listed: List(list.After));

            case OverlayCall.SetState set when (set.State, set.Reason) != (Places.State, Places.Reason):
                _ = stored.Record(new PlacementChange.OverlaySet(Overlay, set.State, set.Reason));
                break;
        }

        await stored.Written;
        return new OverlayReply(Places.Header, by);
    }

    public async Task<Confirmation> Confirm(string identity)
    {
        CatchUp();
        var node = Places.Node(identity);
        switch (node)
        {
            case null or { Home: null, Held: null }:
                return Confirmation.NoPlace;

            case { Held: null }:
                await stored.Written;
                return Confirmation.Lives;

            case { Home: null, Held.Lapsed: true }:
                await stored.Written;
                return Confirmation.Late;

            default:
                await stored.Record(Arrived(node));
                return Confirmation.Lives;
        }
    }

    public async Task<string?> LetIn(string identity)
    {
        CatchUp();
        if (Places.Node(identity) is not { IsGone: false } node)
        {
            return $"{identity} has no place in {Overlay}: it was given back";
        }

        if (Places.Refusal(identity) is { } refusal)
        {
            await stored.Written;
            return refusal;
        }

        await (node.Held is null ? stored.Written : stored.Record(Arrived(node)));
        return null;
    }

    public async Task<int> CountNodes()
    {
        await stored.Written;
        return Places.Nodes;
    }

    public async Task<bool> Holds(string identity)
    {
        CatchUp();
        await stored.Written;
        return Places.Node(identity) is { LiveHold.IsTaken: true };
    }

    public async Task Release(string identity)
    {
        CatchUp();
        await (Places.Node(identity) is { Held: not null } node ? stored.GiveBack(node) : stored.Written);
    }

    public bool LivedBefore(string identity, DecisionStamp decided) =>
        Places.Node(identity) is { Home: not null } node && decided.IsAfter(node.Decided)
        && node.LiveHold?.Decided.IsAfter(decided) != true;

    public async Task Leave(string identity, DecisionStamp decided)
    {
        CatchUp();
        await (Places.Node(identity) is not { Home: not null } node || !decided.IsAfter(node.Decided) ? stored.Written
            : stored.Record(node.Held?.Decided.IsAfter(decided) == true
                ? new PlacementChange.NodeChanged(node with { Home = null, Decided = default })
                : new PlacementChange.NodeForgotten(identity)));
    }

    public async Task Remove(string identity, bool isGone)
    {
        CatchUp();
        var node = Places.Node(identity);
        await ((node, isGone) switch
        {
            (null, false) or ({ IsGone: true }, true) => stored.Written,
            (_, false) => stored.Record(new PlacementChange.NodeForgotten(identity)),
            _ => stored.Record(new PlacementChange.NodeChanged(PlacedNode.New(identity) with
            {
                IsGone = true, Decided = new DecisionStamp(Places.Leader.Epoch, stored.Now.UtcTicks),
            })),
        });
    }

    private ReservationVerdict Reserve(PlacedNode wanted)
    {
        var known = Places.Node(wanted.Identity);
        var refusal = stored.IsFull ? $"{Overlay} is busy"
            : wanted.Held is null ? "no place is asked for"
            : Places.Refusal(wanted.Identity);
        if (refusal is not null)
        {
            return new ReservationVerdict(known, refusal);
        }

        var held = wanted.Held! with { Overlay = Overlay, Until = stored.Now + options().LeaseLifetime, Lapsed = false };
        var node = wanted with { Home = known?.Home, Decided = known?.Decided ?? default, Held = held };
        _ = stored.Record(new PlacementChange.NodeChanged(node));
        return new ReservationVerdict(node, null);
    }

    private PlacesPage List(PlacesCursor after)
    {
        var from = after.Incarnation == incarnation ? after.Version : 0;
        var changes = Places.ChangedAfter(from, OverlayCall.NodesMax);
        if (changes is null)
        {
            from = 0;
            changes = Places.ChangedAfter(from, OverlayCall.NodesMax)!;
        }

        // Attributes may be long, and a page must fit a message: it is cut by their length too.
        var room = OverlayCall.TextMax;
        var isWhole = changes.Count < OverlayCall.NodesMax;
        var fitting = changes.TakeWhile(change => (room -= change.Node?.Attributes.Length ?? 0) > 0).ToArray();
        (changes, isWhole) = fitting.Length is > 0 and var fits && fits < changes.Count ? (fitting, false) : (changes, isWhole);
        var next = changes.Count > 0 ? changes[^1].Version : from;
        return new PlacesPage(
            [.. changes.Select(change => change.Node).OfType<PlacedNode>()],
            [.. changes.Where(change => change.Node is null).Select(change => change.Identity)],
            new PlacesCursor(incarnation, next),
            IsFirst: from == 0,
            IsLast: isWhole);
    }

    private static PlacementChange.NodeChanged Arrived(PlacedNode node) =>
        new(node with { Home = node.Held!.Overlay, Decided = node.Held.Decided, Held = null });

    private void CatchUp()
    {
        if (options().Members.GetValueOrDefault(Overlay) is { } member)
        {
            // The policy may narrow it, which the region minds; it cannot widen it.
            Places.HardLimit = member.HardLimit;
        }

        stored.CatchUp();
    }
}

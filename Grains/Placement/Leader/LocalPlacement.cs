using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>What an overlay remembers of its own nodes while another is the leader, and decides for them while that one is away.</summary>
internal sealed class LocalPlacement(StoredRegion history, string region, NodePlacements places, RegionLeadership leadership)
{
    private RegionState Ledger => history.Ledger;

    private string Local => history.Options.Local;

    /// <summary>A page of all that is known here of nodes, shard by shard.</summary>
    public LinkRequest NextReport(string after)
    {
        var first = after.Length == 0 ? 0 : RegionState.ShardOf(after);
        if (after.Length == 0)
        {
            leadership.BeginReport();
        }

        var facts = new List<LocalNode>();
        for (var shard = first; shard < RegionState.Shards; shard++)
        {
            var from = shard == first ? after : "";
            var identities = Ledger.NodesOf(shard).Select(node => node.Identity).Union(Ledger.Departed.Of(shard).Keys)
                .Where(identity => string.CompareOrdinal(identity, from) > 0);
            foreach (var identity in identities.Order(StringComparer.Ordinal))
            {
                if (facts.Count + NodeFacts.PerNodeMax > LinkRequest.ResidentsMax)
                {
                    return Page(facts) with { Next = after };
                }

                facts.AddRange(NodeFacts.Of(Ledger, identity));
                after = identity;
            }
        }

        return Page(facts) with { IsLast = true, Plans = leadership.EndedPlans };
    }

    private LinkRequest Page(List<LocalNode> facts)
    {
        var leader = leadership.View;
        var residents = facts.ToLookup(fact => fact.State == LocalNodeState.Lives && fact.Overlay == Local);
        return new LinkRequest(LinkVerb.Report, region, Local, leader.Leader, leader.Epoch, Ledger.Policy.Version)
        {
            Residents = [.. residents[true]],
            Others = [.. residents[false]],
        };
    }

    /// <summary>Takes note of the place that the leader gave to a node which this overlay's silos enrol.</summary>
    public Task NotePlace(PlacementRequest request, LinkReply reply)
    {
        leadership.EnsureOfLeader(reply);
        var known = Ledger.Node(request.Identity);
        var decided = StampOf(reply);
        if (known?.Held is { } held && held.Decided == decided)
        {
            return held is { Lapsed: false } && held.Until >= reply.LeaseUntil
                ? history.Written
                : history.Record(new PlacementChange.NodeChanged(
                    known with { Held = held with { Until = reply.LeaseUntil, Lapsed = false } }));
        }

        var isKnown = (known is { Home: not null } && !decided.IsAfter(known.Decided)) || known?.Held?.Decided.IsAfter(decided) == true;
        return isKnown ? history.Written : history.Record(new PlacementChange.NodeChanged(Noted(request, known, reply.Placed!) with
        {
            Held = new Reservation(reply.Placed!, request.Attempt, reply.LeaseUntil, false, null) { Decided = decided, Keeper = Local },
        }));
    }

    /// <summary>Takes note of where the leader says that such a node arrived.</summary>
    public async Task NoteArrived(string identity, int attempt, LinkReply reply)
    {
        leadership.EnsureOfLeader(reply);
        if (reply.Placed is not { } lives)
        {
            // Superseded; or a leader of before arrivals were told.
            await ConfirmKnown(identity, attempt);
            return;
        }

        var known = Ledger.Node(identity) ?? PlacedNode.New(identity);
        var decided = StampOf(reply);
        await (known.Home is not null && !decided.IsAfter(known.Decided) ? history.Written
            : history.Record(new PlacementChange.NodeChanged(known with
            {
                Home = lives,
                HomeAttempt = attempt,
                Held = known.Held?.Decided.IsAfter(decided) == true ? known.Held : null,
                Decided = decided,
                Keeper = Local,
            })));
    }

    /// <summary>Takes note that the leader let a node leave the fleet.</summary>
    public async Task NoteGone(string identity, LinkReply reply)
    {
        leadership.EnsureOfLeader(reply);
        var gone = new LocalNode(
            identity, 0, PlacedNode.NoAttributes, 0, Decided: StampOf(reply), State: LocalNodeState.Gone);
        foreach (var news in NodeFacts.News(Ledger, gone, history.Now, history.Options.LeaseLifetime))
        {
            _ = history.Record(news);
        }

        await history.Written;
    }

    /// <summary>Takes note that a node arrived in this overlay, which the leader does not know.</summary>
    /// <returns>False when nothing is known of that enrolment here.</returns>
    public async Task<bool> ConfirmAlone(string identity, int attempt)
    {
        if (!await ConfirmKnown(identity, attempt))
        {
            return false;
        }

        await leadership.Owe();
        return true;
    }

    /// <summary>
    /// Into this overlay, for nodes that live here and members of groups that do, where there is certainly room; else later.
    /// </summary>
    public async Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why)
    {
        // What the leader gave in another overlay it alone can renew.
        if (Ledger.Node(request.Identity)?.Place == Local && places.Settled(request, Local) is { } settled)
        {
            return await settled;
        }

        var policy = Ledger.Policy;
        if (policy.LeaderLost == LeaderLostRule.Defer || Ledger.Overlay(Local) is not { } here)
        {
            return new PlacementOutcome.Deferred(why, policy.Unplaceable.RetryAfter);
        }

        var applicant = places.ApplicantOf(request);
        var known = Ledger.Node(request.Identity);
        var chosen = new Choice(here, RuleCode.LeaderLost, $"a group of it lives here, and {why}");
        var decision = PlacementEngine.Decide(Ledger, applicant, known, chosen);
        if (decision is not { Overlay: not null, IsQuarantine: false } || !BelongsHere(decision.Situation, known, here))
        {
            return new PlacementOutcome.Deferred($"{why}, and it is no member of a group that lives here", policy.Unplaceable.RetryAfter);
        }

        _ = leadership.Owe();
        return await places.Keep(new Asked(request, Local, applicant), known, decision);
    }

    private async Task<bool> ConfirmKnown(string identity, int attempt)
    {
        try
        {
            await places.Confirm(identity, attempt);
            return true;
        }
        catch (PlacementLapsedException)
        {
            return false;
        }
    }

    private PlacedNode Noted(PlacementRequest request, PlacedNode? known, string overlay)
    {
        var applicant = places.ApplicantOf(request);
        var node = (known ?? PlacedNode.New(request.Identity)) with { Attributes = applicant.Attributes.Json };
        if (Ledger.Overlay(overlay) is not { } entry)
        {
            return node;
        }

        var decision = new Decision(entry, Situation.Of(Ledger, applicant, known), [new Considered(entry, null, 0)]);
        return node with { Declared = decision.Situation.DeclaredIn(entry), Trace = DecisionTrace.Encode(decision, Ledger.Sequence) };
    }

    // A leader of before there were stamps gives none: then it is decided when it is heard.
    private DecisionStamp StampOf(LinkReply reply) => reply.Decided == default ? Ledger.Stamp(history.Now) : reply.Decided;

    // Places that were promised to a group are counted at the leader already; others are only certain when the leader told what it counts.
    private bool BelongsHere(Situation situation, PlacedNode? known, OverlayEntry here)
    {
        if (known?.Home == here.Name)
        {
            return true;
        }

        var groups = situation.Groups.Where(membership => Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required)
            .Select(membership => Ledger.Group(membership.Id)).ToArray();
        return groups.Length > 0 && Array.TrueForAll(groups, group => ReferenceEquals(group?.Lives, here))
            && (Array.Exists(groups, group => group!.Promise > 0) || here.Committed + leadership.Elsewhere + 1 <= here.HardLimit);
    }
}

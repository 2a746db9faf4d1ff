
using ControlPlane.Placement.Plans;

namespace ControlPlane.Placement;

/// <summary>Who the leader is, and what the overlays of a region tell each other.</summary>
internal sealed class RegionLeadership(StoredRegion history, NodePlacements places, PlanHandover plans)
{
    /// <summary>Why an overlay is Isolated after a promotion: until it has reported its nodes, nobody knows how full it is.</summary>
    private const string Unreported = "has not reported its nodes to the new leader yet";

    private int owings;
    private int owingsReported;

    private RegionState Ledger => history.Ledger;

    private string Local => history.Options.Local;

    // Before the first promotion the configuration says who it is.
    private PlacementChange.LeaderSet Now => Ledger.Leader is { Epoch: > 0 } promoted ? promoted : new PlacementChange.LeaderSet(
        history.Options.Leader ?? Local, 0, "", "", DateTimeOffset.UnixEpoch, Ledger.Leader?.OwesReport ?? true)
    {
        Born = Ledger.Leader?.Born,
    };

    /// <summary>How much more the leader counts in this overlay than this overlay does; null when it never said so.</summary>
    public int? Elsewhere { get; private set; }

    public bool IsHere => Now.Leader == Local;

    public IEnumerable<string> OtherOverlays => history.Options.Members.Keys.Where(name => name != Local).Order(StringComparer.Ordinal);

    public RegionLeader View =>
        new(Now.Leader, Now.Epoch, IsHere, Now.Actor, Now.Reason, Now.At, Now.OwesReport && !IsHere, Ledger.Policy.Version);

    /// <exception cref="NotRegionLeaderException">Another overlay decides.</exception>
    public void EnsureHere()
    {
        if (!IsHere)
        {
            throw new NotRegionLeaderException($"the region's placement is in {Now.Leader} (epoch {Now.Epoch})");
        }
    }

    /// <summary>Whether the leader that this overlay knows of asks.</summary>
    public bool IsOfLeader(LinkRequest request) => request.From == Now.Leader && request.Leader == Now.Leader && request.Epoch == Now.Epoch;

    /// <summary>What puts an overlay in another state; one that has not reported yet is in it as soon as it has.</summary>
    public PlacementChange.OverlaySet Change(OverlayEntry overlay, OverlayState state, string reason) =>
        overlay.Awaited is null || state == OverlayState.Retired
            ? new PlacementChange.OverlaySet(overlay.Name, state, reason, history.Now)
            : Await(new OverlayCondition(overlay.Name, state, reason));

    public async Task<RegionLeader> Promote(string actor, string reason)
    {
        if (IsHere)
        {
            await history.Written;
            return View;
        }

        plans.End($"{Now.Leader} was the leader meanwhile", history.Now);
        plans.TakeOver(Now.Leader);
        _ = history.Record(new PlacementChange.LeaderSet(Local, Now.Epoch + 1, actor, reason, history.Now, OwesReport: false));
        var others = Ledger.Overlays.Where(overlay =>
            overlay is { IsConfigured: true, State: not OverlayState.Retired, Awaited: null } && overlay.Name != Local);
        foreach (var overlay in others.ToArray())
        {
            _ = history.Record(Await(ConditionOf(overlay)));
        }

        // Nobody isolates this overlay. Whom the old leader counted here, and nobody has told of, keeps his place until all have reported.
        if (Elsewhere is { } untold and > 0 && Ledger.AwaitsReports)
        {
            _ = history.Record(new PlacementChange.PlacesUntold(Local, untold));
        }

        await history.Written;
        return View;
    }

    /// <summary>How this overlay greets the leader.</summary>
    public LinkRequest Hello(string region)
    {
        var hello = new LinkRequest(LinkVerb.Hello, region, Local, Now.Leader, Now.Epoch, Ledger.Policy.Version);
        return Now.OwesReport || Ledger.Overlay(Local) is not { } here
            ? hello
            : hello with { Digests = NodeDigests.DigestsOf(here) };
    }

    /// <summary>What a reply says of the leader and its policy.</summary>
    public async Task Heard(LinkReply reply)
    {
        Follow(reply.Leader, reply.Epoch);
        Mirror(reply);
        if (reply.IsLeader && reply.Committed is { } committed && Ledger.Overlay(Local) is { } here)
        {
            Elsewhere = Math.Max(0, committed - here.Committed);
        }

        if (reply.IsLeader && !IsHere)
        {
            plans.Hear(reply.Plans);
        }

        foreach (var told in reply.IsLeader && !IsHere ? reply.Overlays ?? [] : [])
        {
            if (Ledger.Overlay(told.Overlay) is { } known && ConditionOf(known) != told)
            {
                _ = history.Record(new PlacementChange.OverlaySet(told.Overlay, told.State, told.Reason, history.Now));
            }
        }

        if (reply.IsLeader && reply.Policy is { } policy && policy.Version > Ledger.Policy.Version)
        {
            _ = history.Record(new PlacementChange.PolicyApplied(policy));
            Ledger.Configure(history.Options);
        }

        await history.Written;
    }

    public async Task<LinkReply> Answer(LinkRequest request)
    {
        Follow(request.Leader, request.Epoch);
        var reply = new LinkReply(Now.Leader, Now.Epoch, IsHere && request.Leader == Local && request.Epoch == Now.Epoch);
        if (!reply.IsLeader)
        {
            await history.Written;
            return reply;
        }

        switch (request.Verb)
        {
            // Who lives there is not known yet, so it might be sent away from where it belongs.
            case LinkVerb.Place when Ledger.Overlay(request.From)?.Awaited is not null:
                await history.Written;
                return reply with { Reason = $"{request.From} {Unreported}", RetryAfter = OverlaySync.Period };

            case LinkVerb.Place when request.Place is { } place:
                return Stamped(Said(reply, await places.Place(place, request.From)), place.Identity);

            case LinkVerb.Confirm:
                try
                {
                    await places.Confirm(request.Identity, request.Attempt, request.From);
                    return Arrived(reply, request);
                }
                catch (PlacementLapsedException lapsed)
                {
                    return reply with { Lapsed = true, Reason = lapsed.Message };
                }

            case LinkVerb.Release:
                await places.Release(request.Identity, request.Attempt, request.From);
                return reply;

            case LinkVerb.Forget:
                await places.Forget(request.Identity);
                return reply with { Decided = Ledger.Departed.At(request.Identity) };

            case LinkVerb.Report:
                Adopt(request);
                await history.Written;
                return reply;

            default:
                reply = Greeting(reply, request);
                await history.Written;
                return reply;
        }
    }

    /// <summary>From now on this overlay has nodes that the leader may not know of.</summary>
    public Task Owe()
    {
        owings++;
        return Now.OwesReport ? history.Written : history.Record(Now with { OwesReport = true, KeptOverlay = null });
    }

    /// <summary>The plans that ended when another overlay became the leader.</summary>
    public IReadOnlyList<PlanProgress> EndedPlans => plans.Ended(Now.At);

    /// <summary>A report begins: it has all that was owed until now.</summary>
    public void BeginReport() => owingsReported = owings;

    /// <summary>The leader has all that was reported: only now may what does not concern this overlay be forgotten here.</summary>
    public Task Reported(long epoch) => epoch == Now.Epoch && Now.OwesReport && !IsHere && owings == owingsReported
        ? history.Record(Now with { OwesReport = false, KeptOverlay = Local })
        : history.Written;

    /// <exception cref="NotRegionLeaderException">
    /// Who said it is not the leader any more: the leader of now may have been told by a report of which this was no part.
    /// </exception>
    public void EnsureOfLeader(LinkReply reply)
    {
        if ((reply.Leader, reply.Epoch) != (Now.Leader, Now.Epoch))
        {
            throw new NotRegionLeaderException(
                $"the region's placement went from {reply.Leader} to {Now.Leader} (epoch {Now.Epoch}) while it decided");
        }
    }

    // A later epoch holds whoever tells of it, as long as its leader is an overlay of this region. The new leader knows only what is
    // reported to it, so everything is.
    private void Follow(string leader, long epoch)
    {
        if (Now.IsOlderThan(leader, epoch) && history.Options.Members.ContainsKey(leader))
        {
            Elsewhere = null;
            var now = history.Now;

            // The plans first: if this grain ends in between, it is still the leader, of plans that are over.
            plans.End($"{leader} is the leader since epoch {epoch}", now);
            plans.Hear(null);
            _ = history.Record(
                new PlacementChange.LeaderSet(leader, epoch, "", $"heard of epoch {epoch}", now, OwesReport: leader != Local));
        }
    }

    private LinkReply Greeting(LinkReply reply, LinkRequest hello)
    {
        var asking = Ledger.Overlay(hello.From);
        return reply with
        {
            Committed = asking?.Committed,
            Policy = Ledger.Policy.Version > hello.PolicyVersion ? Ledger.History.Current : null,
            Overlays = [.. Ledger.Overlays.Where(overlay => overlay.IsConfigured).Select(ConditionOf)],
            Born = Ledger.Born,
            Plans = plans.Unfinished,

            // Until it has reported, it knows better.
            Residents = asking is { Awaited: null } && hello.Digests is { } digests
                ? NodeDigests.PageOf(Ledger, asking, digests)
                : null,
        };
    }

    // A leader whose history is another one lost what it was told: it is told again, and nothing is taken from it before.
    private void Mirror(LinkReply reply)
    {
        if (!reply.IsLeader || IsHere || reply.Epoch != Now.Epoch || reply.Born is not { } born)
        {
            return;
        }

        if (born != Now.Born)
        {
            var isAnother = Now.Born is not null;
            owings += isAnother ? 1 : 0;
            _ = history.Record(Now with { Born = born, OwesReport = Now.OwesReport || isAnother, KeptOverlay = null });
        }
        else if (!Now.OwesReport && reply.Residents is { } told)
        {
            foreach (var change in NodeDigests.ChangesFor(Ledger, Local, told))
            {
                _ = history.Record(change);
            }
        }
    }

    private void Adopt(LinkRequest report)
    {
        var facts = (report.Residents ?? []).Select(resident => resident with { Overlay = report.From }).Concat(report.Others ?? []);
        foreach (var fact in facts.Take(LinkRequest.ResidentsMax))
        {
            foreach (var news in NodeFacts.News(Ledger, fact, history.Now, history.Options.LeaseLifetime))
            {
                _ = history.Record(news);
            }
        }

        plans.Note(report.From, report.Plans);
        if (report.IsLast && Ledger.Overlay(report.From)?.Awaited is { } before)
        {
            _ = history.Record(new PlacementChange.OverlaySet(report.From, before.State, before.Reason, history.Now));
        }
    }

    private PlacementChange.OverlaySet Await(OverlayCondition condition)
    {
        var after = condition.State == OverlayState.Active ? "" : $"; it is {condition.State} then";
        return new PlacementChange.OverlaySet(
            condition.Overlay, OverlayState.Isolated, Unreported + after, history.Now) { Awaited = condition };
    }

    // Isolated until it reported is no decision of an operator: what it was before is what others must know.
    private static OverlayCondition ConditionOf(OverlayEntry overlay) =>
        overlay.Awaited ?? new OverlayCondition(overlay.Name, overlay.State, overlay.StateReason);

    // What was answered, and is noted where it was asked, must be what is stored here.
    private LinkReply Stamped(LinkReply said, string identity) => (said.Placed, Ledger.Node(identity)) switch
    {
        (null, _) => said,
        ({ } placed, { LiveHold: { } held }) when held.Overlay == placed => said with { Decided = held.Decided },
        ({ } placed, { Home: { } lives } node) when lives == placed => said with { Decided = node.Decided },
        _ => said with { Placed = null, Reason = "its place changed meanwhile", RetryAfter = TimeSpan.FromSeconds(1) },
    };

    private LinkReply Arrived(LinkReply reply, LinkRequest confirm) =>
        Ledger.Node(confirm.Identity) is { Home: { } leader } node && node.HomeAttempt >= confirm.Attempt && node.IsNumberedBy(confirm.From)
            ? reply with { Placed = leader, Decided = node.Decided }
            : reply;

    private static LinkReply Said(LinkReply reply, PlacementOutcome outcome) => outcome switch
    {
        PlacementOutcome.Placed placed => reply with { Placed = placed.Overlay, Reason = placed.Reason, LeaseUntil = placed.LeaseUntil },
        PlacementOutcome.Deferred deferred => reply with { Reason = deferred.Reason, RetryAfter = deferred.RetryAfter },
        PlacementOutcome.Refused refused => reply with { Reason = refused.Reason },
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

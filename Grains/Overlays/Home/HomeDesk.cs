using ControlPlane.Overlays.Plans;
using ControlPlane.Overlays.Policies;

namespace ControlPlane.Overlays;

/// <summary>Who the home is, and what the overlays of a region tell each other.</summary>
internal sealed class HomeDesk(RegionHistory history, PlacementDesk places, PlanHandover plans)
{
    /// <summary>Why an overlay is Isolated after a promotion: until it has reported its nodes, nobody knows how full it is.</summary>
    private const string Unreported = "has not reported its nodes to the new home yet";

    private int owings;
    private int owingsReported;

    private RegionLedger Ledger => history.Ledger;

    private string Local => history.Options.Local;

    // Before the first promotion the configuration says who it is.
    private LedgerEntry.HomeSet Now => Ledger.Home is { Epoch: > 0 } promoted ? promoted : new LedgerEntry.HomeSet(
        history.Options.Home ?? Local, 0, "", "", DateTimeOffset.UnixEpoch, Ledger.Home?.OwesReport ?? true)
    {
        Born = Ledger.Home?.Born,
    };

    /// <summary>How much more the home counts in this overlay than this overlay does; null when it never said so.</summary>
    public int? Elsewhere { get; private set; }

    public bool IsHere => Now.Home == Local;

    public IEnumerable<string> OtherOverlays => history.Options.Members.Keys.Where(name => name != Local).Order(StringComparer.Ordinal);

    public RegionHome View =>
        new(Now.Home, Now.Epoch, IsHere, Now.Actor, Now.Reason, Now.At, Now.OwesReport && !IsHere, Ledger.Policy.Version);

    /// <exception cref="PlacementNotHomeException">Another overlay decides.</exception>
    public void EnsureHere()
    {
        if (!IsHere)
        {
            throw new PlacementNotHomeException($"the region's placement is in {Now.Home} (epoch {Now.Epoch})");
        }
    }

    /// <summary>Whether the home that this overlay knows of asks.</summary>
    public bool IsOfHome(LinkRequest request) => request.From == Now.Home && request.Home == Now.Home && request.Epoch == Now.Epoch;

    /// <summary>What puts an overlay in another state; one that has not reported yet is in it as soon as it has.</summary>
    public LedgerEntry.OverlaySet Change(OverlayEntry overlay, OverlayState state, string reason) =>
        overlay.Awaited is null || state == OverlayState.Retired
            ? new LedgerEntry.OverlaySet(overlay.Name, state, reason, history.Now)
            : Await(new OverlayCondition(overlay.Name, state, reason));

    public async Task<RegionHome> Promote(string actor, string reason)
    {
        if (IsHere)
        {
            await history.Written;
            return View;
        }

        plans.End($"{Now.Home} was the home meanwhile", history.Now);
        plans.TakeOver(Now.Home);
        _ = history.Record(new LedgerEntry.HomeSet(Local, Now.Epoch + 1, actor, reason, history.Now, OwesReport: false));
        var others = Ledger.Overlays.Where(overlay =>
            overlay is { IsConfigured: true, State: not OverlayState.Retired, Awaited: null } && overlay.Name != Local);
        foreach (var overlay in others.ToArray())
        {
            _ = history.Record(Await(ConditionOf(overlay)));
        }

        // Nobody isolates this overlay. Whom the old home counted here, and nobody has told of, keeps his place until all have reported.
        if (Elsewhere is { } untold and > 0 && Ledger.AwaitsReports)
        {
            _ = history.Record(new LedgerEntry.PlacesUntold(Local, untold));
        }

        await history.Written;
        return View;
    }

    /// <summary>How this overlay greets the home.</summary>
    public LinkRequest Hello(string region)
    {
        var hello = new LinkRequest(LinkVerb.Hello, region, Local, Now.Home, Now.Epoch, Ledger.Policy.Version);
        return Now.OwesReport || Ledger.Overlay(Local) is not { } here
            ? hello
            : hello with { Digests = ResidentMirror.DigestsOf(here) };
    }

    /// <summary>What a reply says of the home and its policy.</summary>
    public async Task Heard(LinkReply reply)
    {
        Follow(reply.Home, reply.Epoch);
        Mirror(reply);
        if (reply.IsHome && reply.Committed is { } committed && Ledger.Overlay(Local) is { } here)
        {
            Elsewhere = Math.Max(0, committed - here.Committed);
        }

        if (reply.IsHome && !IsHere)
        {
            plans.Hear(reply.Plans);
        }

        foreach (var told in reply.IsHome && !IsHere ? reply.Overlays ?? [] : [])
        {
            if (Ledger.Overlay(told.Overlay) is { } known && ConditionOf(known) != told)
            {
                _ = history.Record(new LedgerEntry.OverlaySet(told.Overlay, told.State, told.Reason, history.Now));
            }
        }

        if (reply.IsHome && reply.Policy is { } policy && policy.Version > Ledger.Policy.Version)
        {
            _ = history.Record(new LedgerEntry.PolicyApplied(policy));
            Ledger.Configure(history.Options);
        }

        await history.Written;
    }

    public async Task<LinkReply> Answer(LinkRequest request)
    {
        Follow(request.Home, request.Epoch);
        var reply = new LinkReply(Now.Home, Now.Epoch, IsHere && request.Home == Local && request.Epoch == Now.Epoch);
        if (!reply.IsHome)
        {
            await history.Written;
            return reply;
        }

        switch (request.Verb)
        {
            // Who lives there is not known yet, so it might be sent away from where it belongs.
            case LinkVerb.Place when Ledger.Overlay(request.From)?.Awaited is not null:
                await history.Written;
                return reply with { Reason = $"{request.From} {Unreported}", RetryAfter = HomeKeeper.Round };

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

    /// <summary>From now on this overlay has nodes that the home may not know of.</summary>
    public Task Owe()
    {
        owings++;
        return Now.OwesReport ? history.Written : history.Record(Now with { OwesReport = true, KeptOverlay = null });
    }

    /// <summary>The plans that ended when another overlay became the home.</summary>
    public IReadOnlyList<PlanProgress> EndedPlans => plans.Ended(Now.At);

    /// <summary>A report begins: it has all that was owed until now.</summary>
    public void BeginReport() => owingsReported = owings;

    /// <summary>The home has all that was reported: only now may what does not concern this overlay be forgotten here.</summary>
    public Task Reported(long epoch) => epoch == Now.Epoch && Now.OwesReport && !IsHere && owings == owingsReported
        ? history.Record(Now with { OwesReport = false, KeptOverlay = Local })
        : history.Written;

    /// <exception cref="PlacementNotHomeException">
    /// Who said it is not the home any more: the home of now may have been told by a report of which this was no part.
    /// </exception>
    public void EnsureOfHome(LinkReply reply)
    {
        if ((reply.Home, reply.Epoch) != (Now.Home, Now.Epoch))
        {
            throw new PlacementNotHomeException(
                $"the region's placement went from {reply.Home} to {Now.Home} (epoch {Now.Epoch}) while it decided");
        }
    }

    // A later epoch holds whoever tells of it, as long as its home is an overlay of this region. The new home knows only what is reported
    // to it, so everything is.
    private void Follow(string home, long epoch)
    {
        if (Now.IsOlderThan(home, epoch) && history.Options.Members.ContainsKey(home))
        {
            Elsewhere = null;
            var now = history.Now;

            // The plans first: if this grain ends in between, it is still the home, of plans that are over.
            plans.End($"{home} is the home since epoch {epoch}", now);
            plans.Hear(null);
            _ = history.Record(new LedgerEntry.HomeSet(home, epoch, "", $"heard of epoch {epoch}", now, OwesReport: home != Local));
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
                ? ResidentMirror.PageOf(Ledger, asking, digests)
                : null,
        };
    }

    // A home whose history is another one lost what it was told: it is told again, and nothing is taken from it before.
    private void Mirror(LinkReply reply)
    {
        if (!reply.IsHome || IsHere || reply.Epoch != Now.Epoch || reply.Born is not { } born)
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
            foreach (var change in ResidentMirror.ChangesFor(Ledger, Local, told))
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
            _ = history.Record(new LedgerEntry.OverlaySet(report.From, before.State, before.Reason, history.Now));
        }
    }

    private LedgerEntry.OverlaySet Await(OverlayCondition condition)
    {
        var after = condition.State == OverlayState.Active ? "" : $"; it is {condition.State} then";
        return new LedgerEntry.OverlaySet(
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
        Ledger.Node(confirm.Identity) is { Home: { } home } node && node.HomeAttempt >= confirm.Attempt && node.IsNumberedBy(confirm.From)
            ? reply with { Placed = home, Decided = node.Decided }
            : reply;

    private static LinkReply Said(LinkReply reply, PlacementOutcome outcome) => outcome switch
    {
        PlacementOutcome.Placed placed => reply with { Placed = placed.Overlay, Reason = placed.Reason, LeaseUntil = placed.LeaseUntil },
        PlacementOutcome.Deferred deferred => reply with { Reason = deferred.Reason, RetryAfter = deferred.RetryAfter },
        PlacementOutcome.Refused refused => reply with { Reason = refused.Reason },
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

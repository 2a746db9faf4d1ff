using ControlPlane.Placement.Policies;
using ControlPlane.Sites;

namespace ControlPlane.Placement;

/// <summary>Chooses overlays for nodes, and has them reserve.</summary>
/// <remarks>
/// The region decides by its copy, the overlay disposes: a refusal, or no answer, sends the region back to choose again. What was looked at
/// before an external decider or an overlay was asked is looked at again after it.
/// </remarks>
internal sealed class NodePlacements(
    StoredRegion history,
    string region,
    Func<string, OverlayCopy?> copyOf,
    ExternalDecision external,
    PlacementMeter meter)
{
    /// <summary>How often another overlay is chosen, within one call, because the last one did not reserve.</summary>
    private const int ChoicesMax = 4;

    private static readonly TimeSpan BusyDelay = TimeSpan.FromSeconds(1);

    private RegionState Ledger => history.Ledger;

    public async Task<PlacementOutcome> Place(PlacementRequest request)
    {
        if (Departed(request.Identity) is { } departed)
        {
            return departed;
        }

        var applicant = ApplicantOf(request);
        var why = "";
        for (var choices = 0; choices < ChoicesMax; choices++)
        {
            var known = Ledger.Node(request.Identity);
            var (decision, note) = Held(applicant, known) is { } held ? (held, "") : await Decide(request, applicant, known);
            if (decision is null)
            {
                return Unplaced(request, note, mayRefuse: false);
            }

            if (decision.Overlay is null)
            {
                return Unplaced(request, decision.Reason());
            }

            var (placed, refusal) = await Reserve(applicant, Ledger.Node(request.Identity), decision);
            if (placed is not null)
            {
                return note.Length > 0 ? placed with { Reason = $"{placed.Reason} ({note})" } : placed;
            }

            why = refusal;
        }

        return new PlacementOutcome.Deferred(why, BusyDelay);
    }

    /// <summary>
    /// Without the leader: into an overlay of this site that the node, or all of its required groups, live in already; else later.
    /// </summary>
    /// <param name="request">The node.</param>
    /// <param name="lost">Why the leader is not asked.</param>
    public async Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string lost)
    {
        if (Departed(request.Identity) is { } departed)
        {
            return departed;
        }

        var applicant = ApplicantOf(request);
        var known = Ledger.Node(request.Identity);
        if (HomeAlone(applicant, known) is not { } home)
        {
            var why = Ledger.Policy.LeaderLost == LeaderLostRule.Defer ? "" : ", and it is no member of a group that lives here";
            return new PlacementOutcome.Deferred(lost + why, Ledger.Policy.Unplaceable.RetryAfter);
        }

        var choice = new Choice(home, RuleCode.LeaderLost, $"it or a group of it lives here, and {lost}");
        var decision = Held(applicant, known) ?? PlacementEngine.Decide(Ledger, applicant, known, choice);
        if (decision is not { Overlay: not null, IsQuarantine: false })
        {
            return new PlacementOutcome.Deferred($"{lost}; alone, {decision.Reason()}", Ledger.Policy.Unplaceable.RetryAfter);
        }

        var (placed, refusal) = await Reserve(applicant, known, decision);
        return placed ?? (PlacementOutcome)new PlacementOutcome.Deferred(refusal, BusyDelay);
    }

    /// <summary>Reserves anew for a node that arrived after its reservation lapsed, so that its groups stay with it.</summary>
    /// <remarks>
    /// It is there already, so what only keeps newcomers out does not count; limits do, and groups that opened elsewhere meanwhile.
    /// </remarks>
    /// <returns>The rule that does not let it stay; null when none does: then the overlay has the last word.</returns>
    public async Task<string?> Readmit(string identity, string overlay)
    {
        if (ObjectionTo(identity, overlay) is { } rule)
        {
            return rule;
        }

        if (Ledger.Node(identity) is { Held: { Lapsed: true } late } node && late.Overlay == overlay && copyOf(overlay) is { } copy)
        {
            await copy.ReserveAsync(node with { Held = late with { Lapsed = false, Decided = Ledger.Stamp(history.Now) } });
        }

        return null;
    }

    private string? ObjectionTo(string identity, string held)
    {
        if (Ledger.Node(identity) is not { } node || Ledger.Overlay(held) is not { } overlay)
        {
            return "the region";
        }

        var situation = Situation.Of(Ledger, Ledger.ApplicantOf(node), node);
        return PlacementEngine.Reject(situation, overlay) is { } by && by.Rule != RuleCode.SoftLimit
            && !(by.Rule == RuleCode.State && overlay is { IsConfigured: true, State: OverlayState.Cordoned or OverlayState.Isolated })
            ? RuleCode.Name(Ledger.Policy, by.Rule)
            : null;
    }

    private PlacementOutcome.Deferred? Departed(string identity) => Ledger.GoneFrom(identity) is { } from
        ? new($"it was decommissioned from {from}; reprovision it there to have it again", Ledger.Policy.Unplaceable.RetryAfter)
        : null;

    private Applicant ApplicantOf(PlacementRequest request) => new(
        request.Identity, Ledger.ReadBag(request.ClaimsJson, request.EnrolmentJson, request.FactsJson));

    private OverlayEntry? HomeAlone(Applicant applicant, PlacedNode? known)
    {
        if (known?.Place is { } place)
        {
            return history.Options.Serves(place) ? Ledger.Overlay(place) : null;
        }

        var groups = Ledger.Policy.GroupsOf(applicant)
            .Where(membership => Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required)
            .Select(membership => Ledger.Group(membership.Id)?.Lives).Distinct().ToArray();
        return Ledger.Policy.LeaderLost == LeaderLostRule.MembersOfLocalGroups && groups is [{ } home] && history.Options.Serves(home.Name)
            ? home
            : null;
    }

    // A node that asks again keeps what is held for it, unless it tells of other things now or a rule has come to be against it. That
    // the overlay does not answer is none: it may have the node by now, and only it can say.
    private Decision? Held(Applicant applicant, PlacedNode? known)
    {
        if (known?.LiveHold is not { } held || Ledger.Overlay(held.Overlay) is not { } overlay)
        {
            return null;
        }

        var situation = Situation.Of(Ledger, applicant, known);
        var isKept = overlay.IsCutOff
            || (held.Plan is null && known.Attributes == applicant.Attributes.Json
                && PlacementEngine.Reject(situation, overlay) is null or { Rule: RuleCode.SoftLimit });
        return isKept ? new Decision(overlay, situation, [new Considered(overlay, null, 0)]) : null;
    }

    /// <returns>What is decided, and what the caller should know besides; null when nothing is, and then why.</returns>
    private async Task<(Decision? Decision, string Note)> Decide(PlacementRequest request, Applicant applicant, PlacedNode? known)
    {
        var rule = Ledger.Policy.Decision;
        var decision = PlacementEngine.Decide(Ledger, applicant, known);

        // Where the rules leave no choice, nobody is asked.
        if (!rule.External || decision is not { Overlay: { } proposed, IsQuarantine: false, Situation.Only.Count: 0 })
        {
            return (decision, "");
        }

        var verdict = await external.AskAsync(Question(request, decision, proposed), rule);
        known = Ledger.Node(request.Identity);
        string why;
        switch (verdict)
        {
            case { Answer: ExternalAnswer.Abstain }:
                external.Note("abstained");
                return (PlacementEngine.Decide(Ledger, applicant, known), "");

            case { Answer: ExternalAnswer.Defer defer }:
                external.Note("deferred");
                return (null, $"external decision: {defer.Reason}");

            case { Answer: ExternalAnswer.Choose choose }:
                var chosen = Ledger.Overlay(choose.Overlay) is { } overlay
                    ? PlacementEngine.Decide(
                        Ledger, applicant, known, new Choice(overlay, RuleCode.External, $"external decision: {choose.Reason}"))
                    : null;
                if (chosen is { Overlay: not null, IsQuarantine: false })
                {
                    external.Note("chosen");
                    return (chosen, "");
                }

                external.Note("rejected");
                why = chosen is null
                    ? $"the external decision names '{choose.Overlay}', which the region has not"
                    : $"the external decision for {choose.Overlay} is against a hard rule: {chosen.Reason()}";
                break;

            default:
                external.Note("lost");
                why = verdict.Lost!;
                break;
        }

        return rule.BuiltInOnTimeout ? (PlacementEngine.Decide(Ledger, applicant, known), why) : (null, why);
    }

    private async Task<(PlacementOutcome.Placed? Placed, string Refusal)> Reserve(Applicant applicant, PlacedNode? known, Decision decision)
    {
        var overlay = decision.Overlay!;
        var isRenewed = known?.LiveHold is { Plan: null } live && live.Overlay == overlay.Name
            && known.Attributes == applicant.Attributes.Json;
        var held = new Reservation(overlay.Name, history.Now + history.Options.LeaseLifetime, false, known?.LiveHold?.Plan)
        {
            Decided = isRenewed ? known!.Held!.Decided : Ledger.Stamp(history.Now),
            IsTaken = true,
        };
        var node = isRenewed
            ? known! with { Held = held }
            : (known ?? PlacedNode.New(applicant.Identity)) with
            {
                Held = held,
                Attributes = applicant.Attributes.Json,
                Declared = decision.Declared,
                Trace = DecisionTrace.Encode(decision, Ledger.Sequence),
            };
        var reason = isRenewed ? Explanation.Of(Ledger, node).Reason : decision.Reason();
        try
        {
            if (copyOf(overlay.Name) is not { } copy)
            {
                return (null, $"{overlay.Name} is none of the region's overlays any more");
            }

            if (await copy.ReserveAsync(node) is { } refusal)
            {
                meter.Decided("refused_by_overlay");
                return (null, refusal);
            }
        }
        catch (SiteUnreachableException lost)
        {
            return (null, lost.Message);
        }

        meter.Decided(decision.IsQuarantine ? "quarantined" : "placed");
        return (new PlacementOutcome.Placed(overlay.Name, reason, Ledger.Node(node.Identity)?.Held?.Until ?? held.Until), "");
    }

    private ExternalQuestion Question(PlacementRequest request, Decision decision, OverlayEntry proposed) => new(
        request.Identity, region, request.ClaimsJson, request.EnrolmentJson, request.FactsJson, proposed.Name,
        [
            .. decision.Considered.Where(overlay => overlay.By is null)
                .OrderByDescending(overlay => overlay.Total).ThenBy(overlay => overlay.Overlay.Name, StringComparer.Ordinal)
                .Select(overlay => new ExternalCandidate(
                    overlay.Overlay.Name, overlay.Total, overlay.Overlay.HardLimit - overlay.Overlay.Committed,
                    history.Options.Members[overlay.Overlay.Name].Brokers)),
        ]);

    private PlacementOutcome Unplaced(PlacementRequest request, string reason, bool mayRefuse = true)
    {
        var rule = Ledger.Policy.Unplaceable;
        Ledger.Unplaced.Note(request.Identity, request.WaitingSince, reason, history.Now);
        if (rule.Action == UnplaceableAction.Refuse && mayRefuse)
        {
            meter.Decided("refused");
            return new PlacementOutcome.Refused(reason);
        }

        meter.Decided("deferred");
        return new PlacementOutcome.Deferred(reason, rule.RetryAfter);
    }
}

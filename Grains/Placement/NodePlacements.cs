using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>Gives nodes their places, and takes them back.</summary>
/// <remarks>
/// Each method judges and changes the ledger in one turn of the grain, then waits for the store. Only the question to an external decider
/// comes before: what was looked at until then is looked at again after it.
/// </remarks>
internal sealed class NodePlacements(StoredRegion history, string region, ExternalDecision external, PlacementMeter meter)
{
    private RegionState Ledger => history.Ledger;

    /// <param name="request">What the enrolment asks.</param>
    /// <param name="keeper">The overlay whose silos enrol the node; null for this one.</param>
    public async Task<PlacementOutcome> Place(PlacementRequest request, string? keeper = null)
    {
        var by = keeper ?? history.Options.Local;
        if (history.IsFull)
        {
            return new PlacementOutcome.Deferred("placement is busy", TimeSpan.FromSeconds(1));
        }

        if (Settled(request, by) is { } settled)
        {
            return await settled;
        }

        var applicant = ApplicantOf(request);
        var known = Ledger.Node(request.Identity);
        var decision = PlacementEngine.Decide(Ledger, applicant, known);

        // Where the rules leave no choice, nobody is asked.
        return Ledger.Policy.Decision.External && decision is { Overlay: { } proposed, IsQuarantine: false, Situation.Only.Count: 0 }
            ? await PlaceAsAsked(
                new Asked(request, by, applicant), await external.AskAsync(Question(request, decision, proposed), Ledger.Policy.Decision))
            : await Keep(new Asked(request, by, applicant), known, decision);
    }

    /// <exception cref="PlacementLapsedException">The node has no place.</exception>
    public async Task Confirm(string identity, int attempt, string? keeper = null)
    {
        var by = keeper ?? history.Options.Local;
        var node = Ledger.Node(identity);
        if ((node?.HomeAttempt >= attempt && node.IsNumberedBy(by)) || (node?.Held?.Attempt > attempt && node.Held.IsNumberedBy(by)))
        {
            // Confirmed before, or superseded by a later enrolment: either way the answer waits for what it rests on.
            await history.Written;
            return;
        }

        if (node?.Held is not { } held || held.Attempt != attempt || !held.IsNumberedBy(by))
        {
            throw new PlacementLapsedException($"{identity} has no place: it was given back");
        }

        if (held.Lapsed && held.Overlay != node.Home)
        {
            if (ObjectionTo(node, held.Overlay) is { } rule)
            {
                throw new PlacementLapsedException(
                    $"the place of {identity} in {held.Overlay} lapsed, and {rule} does not let it in any more");
            }

            // What it declared was promised while there was room; others may have taken it since.
            var overlay = Ledger.Overlay(held.Overlay)!;
            node = node with { Declared = Situation.Of(Ledger, Ledger.ApplicantOf(node), node).DeclaredIn(overlay) };
        }

        await history.Record(new PlacementChange.NodeChanged(
            node with { Home = held.Overlay, HomeAttempt = attempt, Held = null, Decided = held.Decided, Keeper = held.Keeper }));
    }

    // It is there already, so what only keeps newcomers out does not count; limits do, and groups that opened elsewhere meanwhile.
    private string? ObjectionTo(PlacedNode node, string held)
    {
        if (Ledger.Overlay(held) is not { } overlay)
        {
            return "the region";
        }

        var situation = Situation.Of(Ledger, Ledger.ApplicantOf(node), node);
        return PlacementEngine.Reject(situation, overlay) is { } by && by.Rule != RuleCode.SoftLimit
            && !(by.Rule == RuleCode.State && overlay is { IsConfigured: true, State: OverlayState.Cordoned or OverlayState.Isolated })
            ? RuleCode.Name(Ledger.Policy, by.Rule)
            : null;
    }

    /// <returns>Whether a place was given back.</returns>
    public async Task<bool> Release(string identity, int attempt, string? keeper = null)
    {
        if (Ledger.Node(identity) is not { Held: { } held } node || held.Attempt != attempt
            || !held.IsNumberedBy(keeper ?? history.Options.Local))
        {
            await history.Written;
            return false;
        }

        await history.Record(StoredRegion.Without(node));
        return true;
    }

    /// <summary>Frees the place of a node that left the fleet, and remembers that it did: other overlays may know it still.</summary>
    public Task Forget(string identity)
    {
        var isDone = Ledger.Node(identity) is null && Ledger.Departed.At(identity) != default && !Ledger.AwaitsReports;
        return isDone
            ? history.Written
            : history.Record(new PlacementChange.NodeForgotten(identity) { Decided = Ledger.Stamp(history.Now) });
    }

    public Applicant ApplicantOf(PlacementRequest request) => new(
        request.Identity, Ledger.ReadBag(request.ClaimsJson, request.EnrolmentJson, request.FactsJson));

    /// <summary>Stores a decision and answers it.</summary>
    public async Task<PlacementOutcome> Keep(Asked asked, PlacedNode? known, Decision decision)
    {
        var request = asked.Request;
        if (decision.Overlay is not { } overlay)
        {
            return await Unplaced(request.Identity, decision.Reason());
        }

        var until = history.Now + history.Options.LeaseLifetime;
        var node = (known ?? PlacedNode.New(request.Identity)) with
        {
            Held = new Reservation(overlay.Name, request.Attempt, until, false, known?.LiveHold?.Plan)
            {
                Decided = Ledger.Stamp(history.Now),
                Keeper = asked.Keeper,
            },
            Attributes = asked.Applicant.Attributes.Json,
            Declared = decision.Declared,
            Trace = DecisionTrace.Encode(decision, Ledger.Sequence),
        };
        var reason = decision.Reason();
        meter.Decided(decision.IsQuarantine ? "quarantined" : "placed");
        await history.Record(new PlacementChange.NodeChanged(node));
        return new PlacementOutcome.Placed(overlay.Name, reason, until);
    }

    /// <summary>What was decided before for this enrolment; null when there is something to decide.</summary>
    public Task<PlacementOutcome>? Settled(PlacementRequest request, string keeper)
    {
        var known = Ledger.Node(request.Identity);
        return known?.LiveHold is { Plan: null } held && held.Attempt >= request.Attempt && held.IsNumberedBy(keeper)
            ? Renew(known, held, request.Attempt)
            : known is { Home: { } home } && known.HomeAttempt >= request.Attempt && known.IsNumberedBy(keeper) ? Arrived(home)
            : null;
    }

    private async Task<PlacementOutcome> PlaceAsAsked(Asked asked, ExternalVerdict verdict)
    {
        var (request, keeper, applicant) = asked;
        if (Settled(request, keeper) is { } settled)
        {
            return await settled;
        }

        var known = Ledger.Node(request.Identity);
        switch (verdict)
        {
            case { Answer: ExternalAnswer.Abstain }:
                external.Note("abstained");
                break;

            case { Answer: ExternalAnswer.Defer defer }:
                external.Note("deferred");
                return await Unplaced(request.Identity, $"external decision: {defer.Reason}", mayRefuse: false);

            case { Answer: ExternalAnswer.Choose choose }:
                var reason = $"external decision: {choose.Reason}";
                var decision = Ledger.Overlay(choose.Overlay) is { } overlay
                    ? PlacementEngine.Decide(Ledger, applicant, known, new Choice(overlay, RuleCode.External, reason))
                    : null;
                if (decision is { Overlay: not null, IsQuarantine: false })
                {
                    external.Note("chosen");
                    return await Keep(asked, known, decision);
                }

                external.Note("rejected");
                return await Otherwise(asked, known, decision is null
                    ? $"the external decision names '{choose.Overlay}', which the region has not"
                    : $"the external decision for {choose.Overlay} is against a hard rule: {decision.Reason()}");

            default:
                external.Note("lost");
                return await Otherwise(asked, known, verdict.Lost!);
        }

        return await Keep(asked, known, PlacementEngine.Decide(Ledger, applicant, known));
    }

    private async Task<PlacementOutcome> Otherwise(Asked asked, PlacedNode? known, string why)
    {
        if (!Ledger.Policy.Decision.BuiltInOnTimeout)
        {
            return await Unplaced(asked.Request.Identity, why, mayRefuse: false);
        }

        var outcome = await Keep(asked, known, PlacementEngine.Decide(Ledger, asked.Applicant, known));
        return outcome is PlacementOutcome.Placed placed ? placed with { Reason = $"{placed.Reason} ({why})" } : outcome;
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

    private async Task<PlacementOutcome> Renew(PlacedNode known, Reservation held, int attempt)
    {
        // An older attempt that asks late changes nothing: its successor holds the place.
        var until = history.Now + history.Options.LeaseLifetime;
        if (held.Attempt == attempt && held.Until < until)
        {
            await history.Record(new PlacementChange.NodeChanged(known with { Held = held with { Until = until } }));
        }
        else
        {
            await history.Written;
            until = held.Until;
        }

        return new PlacementOutcome.Placed(held.Overlay, Explanation.Of(Ledger, known).Reason, until);
    }

    private async Task<PlacementOutcome> Arrived(string home)
    {
        await history.Written;
        return new PlacementOutcome.Placed(home, "arrived already", history.Now + history.Options.LeaseLifetime);
    }

    private async Task<PlacementOutcome> Unplaced(string identity, string reason, bool mayRefuse = true)
    {
        var rule = Ledger.Policy.Unplaceable;
        var now = history.Now;
        await (Ledger.Unplaced.Note(identity, reason, now) ? history.Written
            : history.Record(new PlacementChange.NodeUnplaced(identity, now, reason)));
        if (rule.Action == UnplaceableAction.Refuse && mayRefuse)
        {
            meter.Decided("refused");
            return new PlacementOutcome.Refused(reason);
        }

        meter.Decided("deferred");
        return new PlacementOutcome.Deferred(reason, rule.RetryAfter);
    }
}

/// <param name="Request">What an enrolment asked.</param>
/// <param name="Keeper">The overlay whose silos enrol the node.</param>
/// <param name="Applicant">The node as the policy reads it.</param>
internal sealed record Asked(PlacementRequest Request, string Keeper, Applicant Applicant);

using ControlPlane.Overlays.Policies;

namespace ControlPlane.Overlays;

/// <summary>What an overlay remembers of its own nodes while another is the home, and decides for them while that one is away.</summary>
internal sealed class ResidentDesk(RegionHistory history, string region, PlacementDesk places, HomeDesk homes)
{
    private RegionLedger Ledger => history.Ledger;

    private string Local => history.Options.Local;

    public LinkRequest NextReport(string after)
    {
        var residents = Ledger.AllNodes()
            .Where(node => node.Home == Local && string.CompareOrdinal(node.Identity, after) > 0)
            .OrderBy(node => node.Identity, StringComparer.Ordinal)
            .Take(LinkRequest.ResidentsMax)
            .Select(node => new ResidentNode(node.Identity, node.HomeAttempt, node.Attributes, node.Declared))
            .ToArray();
        var home = homes.View;
        return new LinkRequest(LinkVerb.Report, region, Local, home.Home, home.Epoch, Ledger.Policy.Version)
        {
            Residents = residents,
            IsLast = residents.Length < LinkRequest.ResidentsMax,
        };
    }

    /// <summary>Takes note of a place that the home gave in this overlay.</summary>
    public async Task Note(PlacementRequest request)
    {
        if (!homes.IsHere && Ledger.Overlay(Local) is { } here && places.Settled(request) is null)
        {
            var applicant = places.ApplicantOf(request);
            var known = Ledger.Node(request.Identity);
            var situation = Situation.Of(Ledger, applicant, known);
            await places.Keep(request, applicant, known, new Decision(here, situation, [new Considered(here, null, 0)]));
        }
    }

    /// <summary>Takes note that a node arrived in this overlay.</summary>
    /// <param name="identity">The node.</param>
    /// <param name="attempt">Its enrolment.</param>
    /// <param name="alone">Whether the home does not know yet.</param>
    /// <returns>False when nothing is known of that enrolment here.</returns>
    public async Task<bool> ConfirmHere(string identity, int attempt, bool alone)
    {
        try
        {
            await places.Confirm(identity, attempt);
        }
        catch (PlacementLapsedException)
        {
            return false;
        }

        if (alone)
        {
            await homes.Owe();
        }

        return true;
    }

    /// <summary>
    /// Into this overlay, for nodes that live here and members of groups that do, where there is certainly room; else later.
    /// </summary>
    public async Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why)
    {
        if (places.Settled(request) is { } settled)
        {
            return await settled;
        }

        var policy = Ledger.Policy;
        if (policy.HomeLost == HomeLostRule.Defer || Ledger.Overlay(Local) is not { } here)
        {
            return new PlacementOutcome.Deferred(why, policy.Unplaceable.RetryAfter);
        }

        var applicant = places.ApplicantOf(request);
        var known = Ledger.Node(request.Identity);
        var chosen = new Choice(here, RuleCode.HomeLost, $"a group of it lives here, and {why}");
        var decision = PlacementEngine.Decide(Ledger, applicant, known, chosen);
        if (decision is not { Overlay: not null, IsQuarantine: false } || !BelongsHere(decision.Situation, known, here))
        {
            return new PlacementOutcome.Deferred($"{why}, and it is no member of a group that lives here", policy.Unplaceable.RetryAfter);
        }

        _ = homes.Owe();
        return await places.Keep(request, applicant, known, decision);
    }

    // Places that were promised to a group are counted at the home already; others are only certain when the home told what it counts.
    private bool BelongsHere(Situation situation, PlacedNode? known, OverlayEntry here)
    {
        if (known?.Home == here.Name)
        {
            return true;
        }

        var groups = situation.Groups.Where(membership => Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required)
            .Select(membership => Ledger.Group(membership.Id)).ToArray();
        return groups.Length > 0 && Array.TrueForAll(groups, group => ReferenceEquals(group?.Lives, here))
            && (Array.Exists(groups, group => group!.Promise > 0) || here.Committed + homes.Elsewhere + 1 <= here.HardLimit);
    }
}

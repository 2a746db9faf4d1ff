using System.Diagnostics;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Enrolment;
using ControlPlane.Placement;
using ControlPlane.Sites;

namespace ControlPlane.Nodes;

/// <summary>Carries out the steps of an enrolment that need other grains: placement and certificates.</summary>
/// <remarks>Stores nothing; the grain writes what a step returns.</remarks>
internal sealed class PlaneSteps(
    IGrainFactory grains, PlacementClient placement, NodeSites sites, EnrolmentContext context, SlotReservations turns)
{
    /// <summary>How long an order may wait at its CA before it is deferred. Below the response timeout of the issuance grain.</summary>
    private static readonly TimeSpan OrderDeadline = TimeSpan.FromSeconds(90);

    public async Task<Progress> PlaceAsync(
        string identity, NodeState state, EnrolmentFindings findings, CancellationToken cancellationToken)
    {
        var request = new PlacementRequest(
            identity,
            findings.ClaimsJson,
            ObjectIn(findings.InventoryJson, "facts"),
            ObjectIn(findings.ClaimsJson, "extensions"),
            state.WaitingSince);
        var now = context.Now;

        // The site that hears it has asked the region: asked again, that might choose another by now, and nobody would own the node.
        var reserved = state.Reception is null ? null : await placement.FindReservedAsync(identity);
        switch (reserved ?? await placement.PlaceAsync(request))
        {
            case PlacementOutcome.Placed placed when !sites.Serves(placed.Overlay):
                return await HandOverAsync(identity, state, placed.Overlay, cancellationToken);

            case PlacementOutcome.Placed placed when context.OverlayOrNull(placed.Overlay) is not null:
                var inOverlay = state with { Overlay = placed.Overlay, PlacementReason = placed.Reason };
                return new Progress(
                    inOverlay.Reached(NodeStage.Placed, now, $"{placed.Overlay}: {placed.Reason}"), findings, IsDurable: false);

            case PlacementOutcome.Placed placed:
                return OnHold(
                    state, Setback.Deferred(
                        $"placed in {placed.Overlay}, which this silo has no settings for", now + context.Options.RetryDelayMax));

            case PlacementOutcome.Deferred deferred:
                return OnHold(state, Setback.Deferred(deferred.Reason, now + deferred.RetryAfter));

            case PlacementOutcome.Refused refused:
                return OnHold(state, Setback.Quarantine(Refusal.Unplaceable, refused.Reason));

            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Asks for a turn in an overlay whose rate is limited.</summary>
    /// <remarks>If we die before the turn is written, it is lost, and the node asks for another.</remarks>
    public async Task<Progress> TakeTurnAsync(
        NodeState state, EnrolmentFindings findings, EnrolmentControls controls, CancellationToken cancellationToken)
    {
        var overlay = state.Overlay ?? throw new UnreachableException("a node is placed before it asks for a turn");
        var turn = await turns.TakeAsync(overlay, cancellationToken) ?? new EnrolmentSlot(controls.MarkOf(overlay), context.Now);
        if (AdmissionCheck.IsNear(turn, context.Now))
        {
            return new Progress(state with { Turn = turn }, findings, IsDurable: false);
        }

        var limit = controls.LimitOf(overlay);
        var hold = new Hold(
            NodeStage.Deferred,
            $"enrolment in overlay {overlay} is limited to {limit?.PerMinute} a minute by {limit?.By}: {limit?.Reason}; it has its turn",
            turn.At,
            Refusal: null,
            turn.Mark);
        return new Progress((state with { Turn = turn }).OnHold(hold, context.Now), Findings: null, IsDurable: true);
    }

    /// <summary>Holds a node that would make keys for nothing, since no CA would sign for them now; null when one would.</summary>
    public async Task<Progress?> AwaitIssuerAsync(
        string identity, NodeState state, OverlayOptions overlay, CancellationToken cancellationToken) =>
        context.CredentialsFor(state.Protocol).HasFlag(NodeCredentials.Certificate)
        && context.IssuerOrNull(overlay) is { } issuer
        && await Issuance(identity, issuer).FindObstacle(overlay.CertificateProfile, cancellationToken) is { } obstacle
            ? OnHold(state, context.OfPlane(state, obstacle.Reason, obstacle.RetryAt))
            : null;

    public async Task<Progress> CertifyAsync(
        string identity,
        NodeState state,
        PendingCredentials pending,
        OverlayOptions overlay,
        EnrolmentFindings? findings,
        CancellationToken cancellationToken)
    {
        var now = context.Now;
        if (pending.Order is not { } order)
        {
            return new Progress(state.Reached(NodeStage.Certified, now), findings, IsDurable: false);
        }

        var request = new CertificateOrderRequest(
            order.OrderId,
            identity,
            state.Overlay ?? "",
            overlay.CertificateProfile,
            pending.SigningRequestPem ?? "",
            state.Held is null ? IssuancePriority.NewNode : IssuancePriority.Renewal,
            now + OrderDeadline,
            pending.Draft?.Certificate);

        switch (await Issuance(identity, order.Issuer).Issue(request, cancellationToken))
        {
            case IssuanceOutcome.Issued issued:
                var certified = state with
                {
                    Pending = pending with
                    {
                        Certificate = issued.Certificate.ToReference(),
                        SigningRequestPem = null,
                        Draft = pending.Draft is { } draft ? draft with { Certificate = null } : null,
                    },
                };
                return new Progress(
                    certified.Reached(
                        NodeStage.Certified, context.Now, $"{issued.Certificate.Issuer}: serial {issued.Certificate.SerialNumber}"),
                    findings,
                    IsDurable: true);

            case IssuanceOutcome.Deferred deferred:
                return OnHold(state, Setback.Deferred(deferred.Reason, deferred.RetryAt)) with { Findings = findings };

            case IssuanceOutcome.Refused refused:
                return OnHold(state, Setback.Quarantine(refused.Refusal, refused.Detail));

            case IssuanceOutcome.Spent spent:
                return new Progress(state.Spent(context.OfPlane(state, spent.Detail), context.Now), Findings: null, IsDurable: true);

            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The certificate that was made for it; null when none was, or it is not to be used any more. Repeatable.</summary>
    public async Task<IssuedCertificate?> FindCertificateAsync(
        string identity, PendingCredentials pending, CancellationToken cancellationToken) =>
        pending is { Order: { } order, Certificate: not null }
            ? await Issuance(identity, order.Issuer).FindIssued(order.OrderId, cancellationToken)
            : null;

    /// <summary>Has every superseded order closed, so that none of their certificates stays valid.</summary>
    public async Task<Progress> CloseSupersededAsync(
        string identity, NodeState state, EnrolmentFindings? findings, CancellationToken cancellationToken)
    {
        foreach (var order in state.Superseded)
        {
            var reason = state.Stage == NodeStage.Gone ? RevocationReason.CessationOfOperation : RevocationReason.Superseded;
            await Issuance(identity, order.Issuer).Close(order.OrderId, reason, cancellationToken);
        }

        // Closing is repeatable: only at rest, where nothing else will be written soon, is a write owed.
        var rests = state.Stage == NodeStage.Enrolled || state.Hold is { Kind: NodeStage.Quarantined };
        return new Progress(state with { Superseded = [] }, findings, IsDurable: rests);
    }

    /// <summary>Gives up the place of a decommissioned node. Repeatable: a place that nobody gives up is held for ever.</summary>
    public async Task<Progress> FreePlaceAsync(string identity, NodeState state)
    {
        try
        {
            await placement.RemoveAsync(identity, state.Overlay, isGone: true);
        }
        catch (PlacementUnavailableException away)
        {
            var later = state with { PlaceFreedDue = context.Now + context.Options.RetryDelayMax };
            return new Progress(later.Noted(context.Now, $"its place is not free yet: {away.Message}"), Findings: null, IsDurable: true);
        }

        return new Progress((state with { PlaceFreedDue = null }).Noted(context.Now, "its place is free"), Findings: null, IsDurable: true);
    }

    /// <summary>Lets a decommissioned node be placed again.</summary>
    public Task WelcomeBackAsync(string identity) => placement.RemoveAsync(identity, overlay: null, isGone: false);

    /// <summary>Makes the place of a node that arrived permanent.</summary>
    /// <remarks>
    /// Before its new credentials are written: if we die in between, the arrival's event was not acknowledged and comes again. The other
    /// order could leave an enrolled node whose place lapses.
    /// </remarks>
    /// <returns>Why it has none; null when it has.</returns>
    public Task<string?> ConfirmPlaceAsync(string identity, NodeState state) => placement.ConfirmAsync(identity, state.Overlay ?? "");

    /// <summary>Gives back the place that a refused node had reserved.</summary>
    public Task ReleaseAsync(string identity, NodeState state) =>
        state.Overlay is { } overlay ? placement.ReleaseAsync(identity, overlay) : Task.CompletedTask;

    // Its owner learns all anew through us: nothing that was found out here has to be believed there.
    private async Task<Progress> HandOverAsync(string identity, NodeState state, string overlay, CancellationToken cancellationToken)
    {
        var now = context.Now;
        try
        {
            var adoption = new Adoption(overlay, state.Reception ?? sites.Here, state.WaitingSince ?? now);
            return await sites.HandOverAsync(identity, adoption, cancellationToken) is { } refusal
                ? OnHold(state, Setback.Deferred($"{overlay} does not take it: {refusal}", now + context.Options.RetryDelayMax))
                : new Progress(state.HandedOver(overlay, now), Findings: null, IsDurable: true);
        }
        catch (SiteUnreachableException away)
        {
            return OnHold(state, context.OfPlane(state, $"it belongs to {overlay}: {away.Message}"));
        }
    }

    private Progress OnHold(NodeState state, Hold hold) => new(state.OnHold(hold, context.Now), Findings: null, IsDurable: true);

    private ICertificateIssuanceGrain Issuance(string identity, string issuer) =>
        grains.GetGrain<ICertificateIssuanceGrain>(CertificateShard.KeyFor(issuer, identity));

    // The extensions of the verified token are what the operator wrote of the node: its record. Facts are the node's own words.
    internal static string ObjectIn(string json, string name)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object
            ? part.GetRawText()
            : "{}";
    }
}

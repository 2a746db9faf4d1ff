using ControlPlane.Enrolment;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>Carries out the steps of an enrolment that reach the node: each from the state before to the state after.</summary>
/// <remarks>Stores nothing; the grain writes what a step returns. Exceptions of <see cref="INodeAgent"/> pass through.</remarks>
internal sealed class NodeSteps(
    NodeAgents agents, NodeAttestation attestation, EnrolmentContext context, EnrolmentGate gate)
{
    private const int ShutdownTriesMax = 2;
    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(5);

    public async Task<Progress> AttestAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        NodeTokenReply reply;
        if (await LivesOnAsync(identity, state, cancellationToken) is { } living)
        {
            return living;
        }

        try
        {
            reply = await agents.Of(state).FetchTokenAsync(identity, state.Protocol, cancellationToken);
        }
        catch (NodeRefusedException refused) when (refused.Fault == NodeFault.SecretMismatch
            && attestation.OurFault(state, Refusal.SecretMismatch, refused.Message) is { } ours)
        {
            return HeldByUs(state, ours);
        }

        var now = context.Now;
        var reached = state with { Protocol = reply.Protocol, ReachedAt = now, FirstSeenAt = state.FirstSeenAt ?? now };

        switch (attestation.Attest(reply.Token, now))
        {
            case Attestation.Trusted trusted:
                NoteFall(state, now);
                return new Progress(reached.Reached(NodeStage.Attested, now), EnrolmentFindings.Of(trusted), IsDurable: false);

            case Attestation.Refused refused when attestation.OurFault(state, refused.Refusal, refused.Detail) is { } ours:
                return HeldByUs(reached, ours);

            case Attestation.Refused refused:
                return new Progress(
                    reached.OnHold(Setback.Quarantine(refused.Refusal, refused.Detail), now), Findings: null, IsDurable: true);

            case Attestation.NotYet early:
                return HeldByUs(reached, early.Detail);

            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private Progress HeldByUs(NodeState state, string detail) =>
        new(state.OnHold(context.OfPlane(state, detail), context.Now), Findings: null, IsDurable: true);

    // Once for each fall: what is attested again after a hold was reached since it waits.
    private void NoteFall(NodeState state, DateTimeOffset now)
    {
        if (state.Overlay is { } overlay && AdmissionCheck.HasFallen(state, now) && !(state.ReachedAt >= state.WaitingSince))
        {
            gate.NoteFall(overlay, isAttested: true);
        }
    }

    // Before anything is believed of whoever answers in provisioning mode: any machine of that network can start, and answer, in any name.
    // A node that fell back is silent on its overlay, which costs it the few seconds of one call.
    private async Task<Progress?> LivesOnAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        if (state is not { Held: { } held, Overlay: { } placed } || state.WasAskedToEnrol(state.WaitingSince ?? context.Now))
        {
            return null;
        }

        // Where its overlay is none of ours any more there is nobody to ask, and it would otherwise be lost to the fleet.
        var overlay = held.Overlay ?? placed;
        var answer = await agents.Of(state).AskInOverlayAsync(identity, state.Protocol, overlay, cancellationToken);
        if (answer is null || !answer.IsBy(held.Ed25519PublicKey))
        {
            return null;
        }

        // Nobody there: what said that it had fallen back was late, or was only said.
        return await IsProvisioningAsync(identity, state, cancellationToken)
            ? Contested(state, answer, overlay)
            : new Progress(state, Findings: null, IsDurable: false) { LivesIn = overlay };
    }

    private Progress Contested(NodeState state, OverlayAnswer answer, string overlay)
    {
        var proof = answer.Key is null ? "" : ", by the key that it holds";
        var contest = $"somebody enrols in its name on the provisioning network while it answers in {overlay}{proof}";
        return new Progress(state.Contested(context.Now, contest), Findings: null, IsDurable: true) { Contest = contest };
    }

    public async Task<Progress> InspectAsync(
        string identity, NodeState state, EnrolmentFindings findings, CancellationToken cancellationToken)
    {
        var inventory = await agents.Of(state).FetchInventoryAsync(identity, state.Protocol, cancellationToken);
        var (now, inspected) = (context.Now, findings with { InventoryJson = inventory });
        return attestation.ProofFault(identity, state, inspected, now) is { } fault
            ? new Progress(state.OnHold(Setback.Quarantine(Refusal.Unproven, fault), now), Findings: null, IsDurable: true)
            : new Progress(state.Reached(NodeStage.Inspected, now), inspected, IsDurable: false);
    }

    /// <summary>Has the node make its keys, and orders for exactly these.</summary>
    /// <remarks>
    /// If we die before the keys are written, the node is asked for new ones: nothing was ordered for the first, so no certificate is
    /// wasted. The other order, an order before its key, would promise a certificate for a key that does not exist.
    /// </remarks>
    public async Task<Progress> MakeKeysAsync(
        string identity, NodeState state, EnrolmentFindings findings, OverlayOptions overlay, CancellationToken cancellationToken)
    {
        var credentials = context.CredentialsFor(state.Protocol);
        var attempt = state.Attempt + 1;
        var pending = new PendingCredentials { KeyedAt = context.Now, OrganizationUnit = findings.OrganizationUnit };

        if (credentials.HasFlag(NodeCredentials.ServerToken))
        {
            var key = await agents.Of(state).MakeEd25519KeyAsync(identity, state.Protocol, cancellationToken);
            pending = pending with
            {
                Ed25519PublicKey = key.PublicKey, Directory = key.Directory, Ed25519Signature = key.Signature,
            };
        }

        if (credentials.HasFlag(NodeCredentials.Certificate))
        {
            var issuer = context.IssuerOrNull(overlay)
                ?? throw new InvalidOperationException($"the certificate profile '{overlay.CertificateProfile}' is not configured");
            var request = await agents.Of(state).MakeSigningRequestAsync(identity, state.Protocol, cancellationToken);
            pending = pending with
            {
                Order = new OrderReference(issuer, $"{identity}/{attempt}"),
                SigningRequestPem = request.SigningRequestPem,
                SslDirectory = request.SslDirectory,
            };
        }

        var now = context.Now;
        var keyed = state with
        {
            Attempt = attempt,
            Pending = pending,
            Turn = null,
            Begun = state.Begun.Add(now).RemoveAll(begun => now - begun > TimeSpan.FromHours(1)),
        };
        return new Progress(keyed.Reached(NodeStage.Keyed, now), findings, IsDurable: true);
    }

    /// <summary>Asks an enrolled node to enrol anew. What it holds stays valid until it has arrived again.</summary>
    /// <remarks>
    /// If we die before the note is written, it is asked twice: the second time it is on its way, and refuses or is silent.
    /// </remarks>
    public async Task<Progress> RenewAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        var asked = new RenewalAsked(context.Now, (state.RenewalAsked?.Times ?? 0) + 1);

        // It works as before for now: a node that is switched off, or that we may not command, is no reason for a hold.
        var detail = await AskToEnrolAsync(identity, state, cancellationToken) is { } refusal
            ? $"asked to renew what it holds, in vain: {refusal}"
            : "asked to renew what it holds";
        return new Progress(
            (state with { RenewalAsked = asked, AskedToEnrolAt = asked.At }).Noted(context.Now, detail), Findings: null, IsDurable: true);
    }

    /// <summary>Tells a node that leaves the fleet to shut down, where it listens. Bounded: the operator waits for the answer.</summary>
    public async Task<(bool IsShutDown, string Detail)> ShutDownAsync(string identity, NodeState state)
    {
        var overlay = state.Held is { } held ? held.Overlay ?? state.Overlay : null;
        if (overlay is null && state.ReachedAt is null)
        {
            return (false, "it never answered, and was not told to shut down");
        }

        var detail = "";
        for (var tries = 0; tries < ShutdownTriesMax; tries++)
        {
            using var patience = new CancellationTokenSource(ShutdownPatience);
            try
            {
                await agents.Of(state).ShutDownAsync(identity, state.Protocol, overlay, patience.Token);
                return (true, "it shuts down");
            }
            catch (NodeRefusedException refused)
            {
                return (false, $"told to shut down, it refused: {refused.Message}");
            }
            catch (Exception silent) when (silent is NodeSilentException or OperationCanceledException)
            {
                detail = $"told to shut down {tries + 1} times, it did not answer; stop the agent on the machine";
            }
        }

        return (false, detail);
    }

    public async Task<Progress> RestartAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        await agents.Of(state).RestartAsync(identity, state.Protocol, cancellationToken);

        // If we die before this is written, the node is found silent or arrived; both are news that the next silo acts on.
        var now = context.Now;
        var restarted = state with { ArrivalDue = now + context.Options.ArrivalDeadline };
        return new Progress(restarted.Reached(NodeStage.Restarted, now), Findings: null, IsDurable: true);
    }

    /// <summary>Asks a node whose arrival is overdue in both places where it can be.</summary>
    /// <remarks>
    /// Only an answer ends the enrolment, one way or the other. One by the key that it held before says that it never left, and that the
    /// new key was another's. Silence does not: the overlay's broker may have taken the event with it,
    /// and a node that lives there must not lose the certificate that it lives by.
    /// </remarks>
    public async Task<Progress> LookForAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        var overlay = state.Overlay ?? "";
        var inOverlay = agents.Of(state).AskInOverlayAsync(identity, state.Protocol, overlay, cancellationToken);
        var isProvisioning = IsProvisioningAsync(identity, state, cancellationToken);
        await Task.WhenAll(inOverlay, isProvisioning);
        var answer = await inOverlay;
        if (answer is not null && answer.IsBy(state.Pending?.Ed25519PublicKey))
        {
            return new Progress(state, Findings: null, IsDurable: false) { LivesIn = overlay };
        }

        if (answer is not null && state.Held is { } held && answer.IsBy(held.Ed25519PublicKey))
        {
            return Contested(state, answer, overlay);
        }

        var overdue = $"it did not arrive in {state.Overlay} within {context.Options.ArrivalDeadline}";
        if (await isProvisioning)
        {
            return new Progress(
                state.StartedOver(
                    state.WaitingSince ?? context.Now, context.Now, $"{overdue}, and is in provisioning mode"), null, IsDurable: false);
        }

        var unheardFor = await agents.Of(state).HeardForAsync(overlay, state.Protocol, cancellationToken);
        var silence = Setback.OfSilence(
            state, $"{overdue}, and answers neither there nor in provisioning mode", context.Options, context.Now, EnrolmentContext.Jitter);
        return new Progress(state.OnHold(silence, context.Now), Findings: null, IsDurable: true) { UnheardFor = unheardFor };
    }

    /// <summary>Has a decommissioned node enrol anew that still runs on its overlay, or is in provisioning mode already.</summary>
    /// <returns>Why it will not, and what helps; null when it will.</returns>
    public async Task<string?> SummonAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        try
        {
            var isProvisioning = IsProvisioningAsync(identity, state, cancellationToken);
            var refusal = await AskToEnrolAsync(identity, state, cancellationToken);
            return await isProvisioning || refusal is null
                ? null
                : $"it was decommissioned, and is neither in provisioning mode nor does it enrol anew from {state.Overlay} ({refusal}); "
                    + "start it in provisioning mode, then ask again";
        }
        catch (NetworkUnavailableException away)
        {
            return $"it was decommissioned, and cannot be asked whether it still runs: {away.Message}";
        }
    }

    /// <summary>Asks a node that runs on its overlay to enrol anew.</summary>
    /// <returns>Why it will not; null when it will.</returns>
    public async Task<string?> AskToEnrolAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        try
        {
            await agents.Of(state).ReprovisionAsync(identity, state.Protocol, state.Overlay ?? "", cancellationToken);
            return null;
        }
        catch (Exception unwilling) when (unwilling is NodeSilentException or NodeRefusedException or NetworkUnavailableException)
        {
            return unwilling.Message;
        }
    }

    private async Task<bool> IsProvisioningAsync(string identity, NodeState state, CancellationToken cancellationToken)
    {
        try
        {
            await agents.Of(state).FetchTokenAsync(identity, state.Protocol, cancellationToken);
            return true;
        }
        catch (NodeRefusedException)
        {
            return true;
        }
        catch (NodeSilentException)
        {
            return false;
        }
    }
}

// Whole, at more than 400 lines: every call here writes the same state, and what each may rely on is only seen when they stand together.
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Enrolment;
using ControlPlane.Placement;
using Orleans.Storage;

namespace ControlPlane.Nodes;

[GrainType("node")]
internal sealed class NodeGrain(
    [PersistentState("node", Stores.Fleet)] IPersistentState<NodeState> node,
    NodeAgents agents,
    NodeSites sites,
    NodeSteps nodeSteps,
    PlaneSteps planeSteps,
    ConfigurationSteps configurationSteps,
    EnrolmentGate gate,
    EnrolmentContext context,
    EnrolmentLog log) : Grain, IInternalNodeGrain
{
    /// <summary>How long a node that lost its place is asked to enrol anew.</summary>
    private static readonly TimeSpan SendAwayDeadline = TimeSpan.FromSeconds(30);

    private EnrolmentFindings? findings;

    private string Identity => this.GetPrimaryKeyString();

    private NodeState State => node.State;

    private EnrolmentFindings Findings => findings
        ?? throw new UnreachableException("an enrolment that has found out nothing begins with the token");

    private PendingCredentials Pending => State.Pending ?? throw new UnreachableException("a node is certified after it made its keys");

    private OverlayOptions Overlay => context.OverlayOrNull(State.Overlay)
        ?? throw new InvalidOperationException($"overlay '{State.Overlay}' of {Identity} is not configured here any more");

    private INodeSliceGrain Slice => GrainFactory.SliceOf(Identity);

    public async Task<StepOutcome> TakeStep(NodeNews news, DateTimeOffset since, Places held, CancellationToken cancellationToken)
    {
        var step = Next(news);
        if (step is EnrolmentStep.StartOver startOver)
        {
            // Nothing is called and nothing written: the slice's record, or the missed deadline, leads another silo to the same decision.
            NoteFall(startOver.WaitingSince);
            findings = null;
            node.State = State.StartedOver(startOver.WaitingSince, context.Now, startOver.Detail, startOver.Reception);
            news = news.After(step);
            step = Next(news);
        }

        if (step is EnrolmentStep.Nothing or EnrolmentStep.Wait || (step.Needs & ~held) != 0)
        {
            return Outcome(step, news.After(step), since);
        }

        var begun = context.Timestamp();
        var (progress, hasFailed) = await TakeOrHold(step, cancellationToken);
        var elapsed = context.Elapsed(begun);
        var left = news.After(step);
        if (progress?.LivesIn is { } overlay)
        {
            left = left with { Arrival = new Arrival(overlay, context.Now, IsAnswer: true) };
        }

        return Outcome(Next(left), left, since) with
        {
            Load = step.LeansOn is { } dependency ? new StepLoad(dependency, elapsed, hasFailed) : null,
            Passage = step switch
            {
                EnrolmentStep.Arrive => Passage.Arrived,
                EnrolmentStep.Restart when State.Stage == NodeStage.Restarted => Passage.Restarted,
                EnrolmentStep.LookFor when progress?.UnheardFor is not null => Passage.Missing,
                _ => Passage.None,
            },
            UnheardFor = progress?.UnheardFor ?? TimeSpan.Zero,
        };
    }

    public Task<bool> IsCutShortBy(NodeNews news) => Task.FromResult(
        Next(news) is EnrolmentStep.Arrive or EnrolmentStep.Stay or EnrolmentStep.Withdraw or EnrolmentStep.StartOver);

    public async Task<NodeSnapshot> Get()
    {
        var heard = await Slice.FindHeard(Identity);
        return new NodeSnapshot(
            Identity,
            State.Hold?.Kind ?? State.Stage,
            State.Protocol,
            State.Attempt,
            State.Overlay,
            State.PlacementReason,
            State.Pending?.Certificate ?? State.Held?.Certificate,
            State.Pending?.ServerTokenExpiresAt ?? State.Held?.ServerTokenExpiresAt,
            State.Hold?.Refusal,
            State.Hold?.Reason,
            Due(),
            State.FirstSeenAt,
            heard?.At,
            heard?.AgentVersion,
            State.History,
            State.Life.Liveness,
            State.Life.LivenessSince,
            State.Life.MachineId);
    }

    public async Task<NodeConfigurationView?> ViewConfiguration() => State.Stage == NodeStage.Unknown
        ? null
        : configurationSteps.View(
            Identity, State, await Slice.FindInventory(Identity));

    public async Task MoveAway(string from, string to)
    {
        // Where one site serves both, its own arrival has superseded what the node held.
        if (sites.Serves(to) || State is { Stage: NodeStage.Unknown } or { Stage: NodeStage.Elsewhere, Held: null })
        {
            return;
        }

        // Due before it is written, as a decommission is.
        await Record(context.Now, context.Now);
        await node.ReplaceAsync(State.MovedAway(to, context.Now));
        log.MovedAway(Identity, from, to);
    }

    public Task<KeyStatus> JudgeKey(string key) => Task.FromResult(State.StandingOf(key));

    public async Task<bool> RecordLiveness(LivenessChange change)
    {
        if (State.Stage is NodeStage.Gone or NodeStage.Elsewhere)
        {
            return false;
        }

        if (State.Life.Liveness != change.To)
        {
            await node.ReplaceAsync(State with { Life = State.Life with { Liveness = change.To, LivenessSince = change.At } });
        }

        return true;
    }

    public async Task<bool> RecordSighting(NodeSighting sighting)
    {
        if (!SightingCheck.CanJudge(State, sighting))
        {
            return false;
        }

        await Act(SightingCheck.Judge(State, sighting), sighting.At);
        return true;
    }

    private async Task Act(SightingVerdict verdict, DateTimeOffset seenAt)
    {
        switch (verdict)
        {
            case SightingVerdict.Remember remember:
                await node.ReplaceAsync(State with { Life = remember.Life });
                break;

            case SightingVerdict.Note note:
                await node.ReplaceAsync(State.Noted(context.Now, note.Detail));
                log.Noticed(Identity, note.Detail);
                break;

            case SightingVerdict.Cloned clone:
                await node.ReplaceAsync(State.OnHold(Setback.Quarantine(Refusal.Cloned, clone.Detail), context.Now));
                await AnnounceHold();
                await Record(seenAt, due: null);
                break;
        }
    }

    public async Task<ReprovisionOutcome> Reprovision(ReprovisionRequest request, CancellationToken cancellationToken)
    {
        var now = context.Now;
        if (State.Stage == NodeStage.Unknown)
        {
            return new ReprovisionOutcome.UnknownNode();
        }

        if (State.Stage == NodeStage.Enrolled)
        {
            if (await nodeSteps.AskToEnrolAsync(Identity, State, cancellationToken) is { } unwilling)
            {
                return new ReprovisionOutcome.NodeUnwilling(unwilling);
            }

            await node.ReplaceAsync(
                (State with { AskedToEnrolAt = now }).Noted(now, $"reprovision asked for by {CallerContext.Actor}: {request.Reason}"));
            return new ReprovisionOutcome.Accepted();
        }

        RequireOwned();

        // A plan that still has a decommissioned node in it must not bring it back: its place is freed first.
        if (State is { Hold: null, Stage: not NodeStage.Gone } or { PlaceFreedDue: not null })
        {
            return new ReprovisionOutcome.UnderWay(State.Stage);
        }

        // It may be on its way: begun anew, it would arrive with what was withdrawn meanwhile. It is looked for, and when it starts in
        // provisioning mode, its enrolment begins anew by itself.
        if (State is { Stage: NodeStage.Configured or NodeStage.Restarted, Hold.Kind: not NodeStage.Quarantined })
        {
            return new ReprovisionOutcome.UnderWay(State.Stage);
        }

        // Released while it is nowhere to be found, it would only wait in silence; and what it says later would be believed without a call.
        if (State.Stage == NodeStage.Gone && await nodeSteps.SummonAsync(Identity, State, cancellationToken) is { } silence)
        {
            return new ReprovisionOutcome.NodeUnwilling(silence);
        }

        if (State.Stage == NodeStage.Gone)
        {
            await planeSteps.WelcomeBackAsync(Identity);
        }

        // Due before it is written, as a decommission is: released and not due, it would wait for ever.
        await Record(now, now);
        await node.ReplaceAsync(State.Released(now, $"reprovision asked for by {CallerContext.Actor}: {request.Reason}"));
        return new ReprovisionOutcome.Accepted();
    }

    public Task<ReprovisionStatus> FindReprovision(string attempt) => Task.FromResult(ReprovisionStatus.Of(State, attempt));

    public async Task<ReprovisionStatus> ReprovisionForJob(string attempt, string reason)
    {
        // Asked before and still where it was: perhaps it never heard. A node that was told twice enrols once.
        var known = ReprovisionStatus.Of(State, attempt);
        if (known.State != ReprovisionState.NotAsked
            && (known.State != ReprovisionState.UnderWay || State is not { Stage: NodeStage.Enrolled, Hold: null }))
        {
            return known;
        }

        if (ReasonAgainst() is { } why)
        {
            return ReprovisionStatus.Failed(why);
        }

        // Before it is told: whoever asks again after our silo ended, is answered by what became of it.
        var askedAt = State.AskedToEnrolAt;
        await node.ReplaceAsync(State with { ForJob = new JobReprovision(attempt), AskedToEnrolAt = askedAt ?? context.Now });
        if (await Reprovision(new ReprovisionRequest(reason), CancellationToken.None) is not ReprovisionOutcome.NodeUnwilling unwilling)
        {
            return ReprovisionStatus.Of(State, attempt);
        }

        await node.ReplaceAsync(State with { ForJob = null, AskedToEnrolAt = askedAt });
        return ReprovisionStatus.Failed(unwilling.Detail);
    }

    // Whoever was decommissioned comes back when somebody asks for it by name, and not among many.
    private string? ReasonAgainst() => State switch
    {
        { Stage: NodeStage.Unknown } or { Stage: NodeStage.Discovered, Attempt: 0 } => "it was never enrolled here",
        { Stage: NodeStage.Gone } => "it was decommissioned",
        { Stage: NodeStage.Elsewhere, Overlay: var owner } => $"it belongs to {owner}",
        _ => null,
    };

    public async Task<DecommissionOutcome?> Decommission(DecommissionRequest request)
    {
        // Listed, but nothing is kept of it: it was heard and never answered.
        if (State.Stage == NodeStage.Unknown)
        {
            return await Slice.Forget(Identity) ? new DecommissionOutcome(false, "nothing was ever heard from it", []) : null;
        }

        RequireOwned();

        // Due before it is written: if we die in between, the roster's call finds nothing to do. Written first, it might never be due.
        await Record(context.Now, context.Now);
        if (State.Stage == NodeStage.Gone)
        {
            return new DecommissionOutcome(false, "it was out of the fleet before", State.Remaining(context.Now));
        }

        // Before its certificate is revoked: afterwards its broker may not let it hear. If we die in between, it is off and in the fleet
        // still; whoever asked got no answer, and asks again.
        var (isShutDown, shutdown) = await nodeSteps.ShutDownAsync(Identity, State);
        var outcome = new DecommissionOutcome(isShutDown, shutdown, State.Remaining(context.Now));
        await node.ReplaceAsync(State.Decommissioned(
            context.Now, $"decommissioned by {CallerContext.Actor}: {request.Reason}; {shutdown}"));
        log.Decommissioned(Identity, CallerContext.Actor, request.Reason);
        return outcome;
    }

    private void RequireOwned()
    {
        if (State is { Stage: NodeStage.Elsewhere, Overlay: var owner })
        {
            throw new NodeElsewhereException($"{Identity} belongs to {owner}; ask a silo of that overlay");
        }
    }

    // By what was only said. Who is fallen by its token is counted when it shows that.
    private void NoteFall(DateTimeOffset heardAt)
    {
        if (State is { Stage: NodeStage.Enrolled, Overlay: { } overlay } && !State.WasAskedToEnrol(heardAt))
        {
            gate.NoteFall(overlay, isAttested: false);
        }
    }

    private async Task<(Progress? Progress, bool HasFailed)> TakeOrHold(EnrolmentStep step, CancellationToken cancellationToken)
    {
        var begun = context.Timestamp();
        try
        {
            var progress = await Take(step, cancellationToken);
            context.Meter.Stepped(step, context.Elapsed(begun));
            return (progress, step is EnrolmentStep.Certify && State.Hold is { Kind: NodeStage.Deferred });
        }
        catch (NodeSilentException silent)
        {
            await Hold(Setback.OfSilence(State, silent.Message, context.Options, context.Now, EnrolmentContext.Jitter));
        }
        catch (NodeRefusedException refused)
        {
            await Hold(Setback.OfRefusal(State, refused.Fault, refused.Message, context.Options, context.Now, EnrolmentContext.Jitter));
            return (null, HasFailed: false);
        }
        catch (KeyUnprovenException unproven)
        {
            await Hold(Setback.Quarantine(Refusal.KeyUnproven, unproven.Message));
        }
        catch (Exception fault) when (IsOurs(step, fault, cancellationToken))
        {
            // Not even a bug of ours is a verdict on the node. What cannot be held either is tried again by the slice.
            log.Failed(Identity, step, fault);
            var detail = $"the step '{step.Name}' failed: {fault.Message}";
            await Hold(context.OfPlane(State, detail));
        }

        return (null, HasFailed: true);
    }

    // A state that another activation wrote ends this one, which holds it no more. What follows from news is done or fails: who told it
    // tells it again.
    private bool IsOurs(EnrolmentStep step, Exception fault, CancellationToken cancellationToken) =>
        step is not (EnrolmentStep.Arrive or EnrolmentStep.Stay or EnrolmentStep.Withdraw)
        && EnrolmentDecision.IsUnderWay(State)
        && fault is not InconsistentStateException
        && !cancellationToken.IsCancellationRequested;

    private async Task<Progress?> Take(EnrolmentStep step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case EnrolmentStep.Arrive arrive:
                await Arrive(arrive);
                return null;

            case EnrolmentStep.Park park:
                await node.ReplaceAsync(
                    State.Pending is null ? State.OnHold(park.Hold, context.Now) : State.Spent(park.Hold, context.Now));
                await AnnounceHold();
                return null;

            case EnrolmentStep.Stay stay:
                findings = null;
                await node.ReplaceAsync(State.Stayed(stay.At, context.Now));
                return null;

            case EnrolmentStep.Withdraw withdraw:
                await Withdraw(withdraw);
                return null;

            case EnrolmentStep.Forget:
                await node.ClearStateAsync(CancellationToken.None);
                findings = null;
                return null;

            case EnrolmentStep.Quarantine quarantine:
                await Hold(Setback.Quarantine(quarantine.Refusal, quarantine.Detail));
                return null;

            default:
                var progress = await Reach(step, cancellationToken);
                await Keep(progress);
                if (step is EnrolmentStep.Inspect)
                {
                    // One way: what can be searched for is soft, and no reason for an enrolment to wait or fail.
                    await Slice.RecordProvisioningInventory(Identity, Findings.InventoryJson);
                }

                return progress;
        }
    }

    private Task<Progress> Reach(EnrolmentStep step, CancellationToken cancellationToken) => step switch
    {
        EnrolmentStep.CloseSuperseded => planeSteps.CloseSupersededAsync(Identity, State, findings, cancellationToken),
        EnrolmentStep.FreePlace => planeSteps.FreePlaceAsync(Identity, State),
        EnrolmentStep.Attest => nodeSteps.AttestAsync(Identity, State, cancellationToken),
        EnrolmentStep.Inspect => nodeSteps.InspectAsync(Identity, State, Findings, cancellationToken),
        EnrolmentStep.Place => planeSteps.PlaceAsync(Identity, State, Findings, cancellationToken),
        EnrolmentStep.ReserveSlot => planeSteps.TakeTurnAsync(State, Findings, gate.Controls, cancellationToken),
        EnrolmentStep.MakeKeys => MakeKeys(cancellationToken),
        EnrolmentStep.Certify => planeSteps.CertifyAsync(Identity, State, Pending, Overlay, findings, cancellationToken),
        EnrolmentStep.Compose => configurationSteps.ComposeAsync(Identity, State, Pending, Overlay, findings, cancellationToken),
        EnrolmentStep.Upgrade => configurationSteps.UpgradeAsync(Identity, State, Pending, findings, cancellationToken),
        EnrolmentStep.Configure => Configure(cancellationToken),
        EnrolmentStep.Restart => nodeSteps.RestartAsync(Identity, State, cancellationToken),
        EnrolmentStep.LookFor => nodeSteps.LookForAsync(Identity, State, cancellationToken),
        EnrolmentStep.Renew => nodeSteps.RenewAsync(Identity, State, cancellationToken),
        _ => throw new UnreachableException(),
    };

    private async Task<Progress> MakeKeys(CancellationToken cancellationToken) =>
        await planeSteps.AwaitIssuerAsync(Identity, State, Overlay, cancellationToken)
            ?? await nodeSteps.MakeKeysAsync(Identity, State, Findings, Overlay, cancellationToken);

    private async Task<Progress> Configure(CancellationToken cancellationToken) => await configurationSteps.ConfigureAsync(
        Identity,
        State,
        Pending,
        await planeSteps.FindCertificateAsync(Identity, Pending, cancellationToken),
        Overlay,
        findings,
        cancellationToken);

    private async Task Keep(Progress progress)
    {
        findings = progress.Findings;
        if (progress.LivesIn is not null)
        {
            return;
        }

        if (!progress.IsDurable)
        {
            node.State = progress.State;
            return;
        }

        await node.ReplaceAsync(progress.State);
        if (progress.Contest is { } contest)
        {
            log.Contested(Identity, contest);
            return;
        }

        await AnnounceHold();
    }

    private async Task Hold(Hold hold)
    {
        await node.ReplaceAsync(State.OnHold(hold, context.Now));
        await AnnounceHold();
    }

    private async Task AnnounceHold()
    {
        if (State.Hold is not { } hold)
        {
            return;
        }

        log.Held(Identity, hold);
        if (hold.Kind == NodeStage.Quarantined)
        {
            await planeSteps.ReleaseAsync(Identity, State);
        }
    }

    private async Task Arrive(EnrolmentStep.Arrive arrive)
    {
        var waitingSince = State.WaitingSince;
        if (await planeSteps.ConfirmPlaceAsync(Identity, State) is { } lapsed)
        {
            await SendAway(lapsed);
            return;
        }

        await node.ReplaceAsync(State.Arrived(Pending, arrive.At, context.Now));
        log.Enrolled(Identity, State, arrive.At - (waitingSince ?? arrive.At));
    }

    private async Task Withdraw(EnrolmentStep.Withdraw withdraw)
    {
        findings = null;
        await node.ReplaceAsync(State.Withdrawn(
            $"two machines answer for it on the provisioning network: {withdraw.Contested.Action} got two different answers", context.Now));
        await AnnounceHold();
    }

    // It arrived where there is no room any more. Told to enrol anew, it starts in provisioning mode and is placed again; when it does not
    // hear us, its next sign of life leads here again, or into the place if there is one by then.
    private async Task SendAway(string why)
    {
        log.Lapsed(Identity, why);
        try
        {
            using var patience = new CancellationTokenSource(SendAwayDeadline);
            await agents.Of(State).ReprovisionAsync(Identity, State.Protocol, State.Overlay ?? "", patience.Token);
        }
        catch (Exception unwilling) when (
            unwilling is NodeSilentException or NodeRefusedException or NetworkUnavailableException or OperationCanceledException)
        {
            why = $"{why}; told to enrol anew, it did not: {unwilling.Message}";
        }

        await Hold(Setback.Deferred(why, context.Now + context.Options.RetryDelayMax));
    }

    private EnrolmentStep Next(NodeNews news) => EnrolmentDecision.Next(State, news, context.Options, gate.Controls, context.Now);

    private DateTimeOffset? Due() => State.Hold is { } hold ? hold.Until : State.Stage switch
    {
        NodeStage.Restarted => State.ArrivalDue,
        NodeStage.Enrolled => Renewal.DueAt(State, context.Options),
        _ => null,
    };

    private StepOutcome Outcome(EnrolmentStep next, NodeNews left, DateTimeOffset since) => new(
        Entry(since, next is EnrolmentStep.Nothing { Due: var due } ? due : context.Now),
        left,
        next is EnrolmentStep.Nothing,
        next.Needs,
        gate.GroupOf(findings),
        (next as EnrolmentStep.Wait)?.Until,
        State.Stage is NodeStage.Configured or NodeStage.Restarted);

    private RosterEntry Entry(DateTimeOffset since, DateTimeOffset? due) => new(
        Identity,
        State.Hold?.Kind ?? State.Stage,
        State.Overlay,
        State.Hold?.Reason,
        State.WaitingSince ?? since,
        due,
        State.Life.Liveness)
    {
        WaitsFor = State.Hold?.WaitsFor,
        Reception = State.Reception,
        Protocol = State.Protocol,
    };

    private Task Record(DateTimeOffset heardAt, DateTimeOffset? due) => Slice.Record(Entry(heardAt, due));
}

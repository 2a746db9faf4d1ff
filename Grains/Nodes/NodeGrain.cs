// Whole, at more than 400 lines: every call here writes the same state, and which may run beside which is only seen when they stand
// together.
using System.Diagnostics;
using ControlPlane.Enrolment;
using ControlPlane.Fleet;
using ControlPlane.Placement;
using Orleans.Storage;

namespace ControlPlane.Nodes;

[GrainType("node")]
internal sealed class NodeGrain(
    [PersistentState("node", Stores.Fleet)] IPersistentState<NodeState> node,
    INodeAgent agent,
    NodeSteps nodeSteps,
    PlaneSteps planeSteps,
    ConfigurationSteps configurationSteps,
    EnrolmentGate gate,
    EnrolmentContext context,
    EnrolmentLog log) : Grain, IInternalNodeGrain
{
    /// <summary>More steps than any enrolment takes at one go: a decision that loops is a bug, and must not hold the silo.</summary>
    private const int StepsMax = 40;

    /// <summary>How long a node that lost its place is asked to enrol anew.</summary>
    private static readonly TimeSpan SendAwayDeadline = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, LastHeard> lastHeard = new(StringComparer.Ordinal);
    private NodeNews news = new();
    private EnrolmentFindings? findings;
    private DateTimeOffset? lastSeenAt;
    private string? agentVersion;
    private bool hasFallen;

    /// <summary>Whether the state is written and its roster slice was not told: that write may fail by itself.</summary>
    private bool isRosterBehind;

    private Task advancing = Task.CompletedTask;

    /// <summary>Ends the waiting of the step that is under way; null when none is.</summary>
    private CancellationTokenSource? waiting;

    private string Identity => this.GetPrimaryKeyString();

    private NodeState State => node.State;

    private EnrolmentFindings Findings => findings
        ?? throw new UnreachableException("an enrolment that has found out nothing begins with the token");

    private PendingCredentials Pending => State.Pending ?? throw new UnreachableException("a node is certified after it made its keys");

    private string Placed => State.Overlay ?? "";

    private OverlayOptions Overlay => context.OverlayOrNull(State.Overlay)
        ?? throw new InvalidOperationException($"overlay '{State.Overlay}' of {Identity} is not configured here any more");

    public async Task Observe(FleetEvent fleetEvent)
    {
        if (!IsNew(fleetEvent))
        {
            return;
        }

        lastSeenAt = fleetEvent.ReceivedAt;
        agentVersion = fleetEvent.Version ?? agentVersion;
        if (!NodeNews.IsIn(fleetEvent))
        {
            return;
        }

        // Also when the news holds it already: that only says that it was heard, and acting on it may have failed.
        news = news.With(fleetEvent);
        await ActOnNews(fleetEvent.ReceivedAt);

        // Only now: an event whose handling failed is delivered again, and must not look old then.
        lastHeard[fleetEvent.Network] = LastHeard.Of(fleetEvent);
    }

    public async Task RecordSweepAnswer(NodeProtocol protocol, DateTimeOffset at)
    {
        lastSeenAt = at;
        if (State.Protocol == NodeProtocol.Unknown)
        {
            node.State = State with { Protocol = protocol };
        }

        news = news with { SightedAt = at };
        await ActOnNews(at);
    }

    public async Task RecordContest(ContestedAnswer contested)
    {
        news = news with { Contested = contested };
        await ActOnNews(contested.At);
    }

    public async Task<RosterEntry> Continue(RosterEntry due, CancellationToken cancellationToken)
    {
        // The roster's record survives the silo that heard the news; ours does not.
        if (due.Stage == NodeStage.Discovered && !(news.StartedAt >= due.Since))
        {
            news = news with { StartedAt = due.Since };
        }

        await AdvanceOnce(cancellationToken);

        // Its turn did not come, or news came meanwhile: it is due at once, behind those who wait longer.
        return Entry(due.Since) with { DueAt = Next() is EnrolmentStep.Nothing { Due: var at } ? at : context.Now };
    }

    public Task<NodeSnapshot> Get() => Task.FromResult(new NodeSnapshot(
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
        lastSeenAt,
        agentVersion,
        State.History,
        State.Life.Liveness,
        State.Life.LivenessSince,
        State.Life.MachineId));

    public async Task<NodeConfigurationView?> ViewConfiguration() => State.Stage == NodeStage.Unknown
        ? null
        : configurationSteps.View(
            Identity, State, await GrainFactory.GetGrain<IInternalFleetIndexGrain>(FleetRoster.ShardOf(Identity)).Find(Identity));

    public Task<KeyStatus> JudgeKey(string key) => Task.FromResult(State.StandingOf(key));

    public async Task<bool> RecordLiveness(LivenessChange change)
    {
        await Exclusively(async () =>
        {
            if (State.Stage == NodeStage.Gone)
            {
                return;
            }

            if (State.Life.Liveness != change.To)
            {
                await node.ReplaceAsync(State with { Life = State.Life with { Liveness = change.To, LivenessSince = change.At } });
            }

            // Also when it is written: the slice may not have heard of it when it was.
            await Roster.RecordLiveness(Identity, change.To, agentVersion);
        });
        return State.Stage != NodeStage.Gone;
    }

    public async Task<bool> RecordSighting(NodeSighting sighting)
    {
        // Not waited for: the events that the step may wait for are behind this one.
        if (!advancing.IsCompleted || !SightingCheck.CanJudge(State, sighting))
        {
            return false;
        }

        await Exclusively(() => Act(SightingCheck.Judge(State, sighting), sighting.At));
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
            try
            {
                await agent.ReprovisionAsync(Identity, State.Protocol, State.Overlay ?? "", cancellationToken);
            }
            catch (Exception unwilling) when (unwilling is NodeSilentException or NodeRefusedException or NetworkUnavailableException)
            {
                return new ReprovisionOutcome.NodeUnwilling(unwilling.Message);
            }

            await node.ReplaceAsync(
                (State with { AskedToEnrolAt = now }).Noted(now, $"reprovision asked for by {request.Actor}: {request.Reason}"));
            return new ReprovisionOutcome.Accepted();
        }

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

        // Due before it is written, as a decommission is: released and not due, it would wait for ever.
        ForgetArrival();
        await Record(now, now);
        await node.ReplaceAsync(State.Released(now, $"reprovision asked for by {request.Actor}: {request.Reason}"));
        return new ReprovisionOutcome.Accepted();
    }

    public async Task<DecommissionOutcome?> Decommission(DecommissionRequest request)
    {
        // Listed, but nothing is kept of it: it was heard and never answered.
        if (State.Stage == NodeStage.Unknown)
        {
            return await Roster.Forget(Identity) ? new DecommissionOutcome(false, "nothing was ever heard from it", []) : null;
        }

        // Due before it is written: if we die in between, the roster's call finds nothing to do. Written first, it might never be due.
        await Record(context.Now, context.Now);
        var outcome = new DecommissionOutcome(false, "it was out of the fleet before", State.Remaining(context.Now));
        await Exclusively(async () =>
        {
            if (State.Stage != NodeStage.Gone)
            {
                // Before its certificate is revoked: afterwards its broker may not let it hear. If we die in between, it is off and in the
                // fleet still; whoever asked got no answer, and asks again.
                var (isShutDown, shutdown) = await nodeSteps.ShutDownAsync(Identity, State);
                outcome = new DecommissionOutcome(isShutDown, shutdown, State.Remaining(context.Now));
                await node.ReplaceAsync(
                    State.Decommissioned(context.Now, $"decommissioned by {request.Actor}: {request.Reason}; {shutdown}"));
                log.Decommissioned(Identity, request.Actor, request.Reason);
            }
        });
        return outcome;
    }

    private IInternalFleetRosterGrain Roster => GrainFactory.GetGrain<IInternalFleetRosterGrain>(FleetRoster.ShardOf(Identity));

    /// <summary>Runs when no step does, and lets none begin before it is done: both write the same state.</summary>
    private async Task Exclusively(Func<Task> work)
    {
        while (!advancing.IsCompleted)
        {
            await advancing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        await (advancing = work());
    }

    private bool IsNew(FleetEvent fleetEvent) =>
        !lastHeard.TryGetValue(fleetEvent.Network, out var last) || last.Precedes(fleetEvent);

    // The events of other nodes wait behind this one's: it waits for no answer of the node, which the news has made pointless anyway.
    private async Task ActOnNews(DateTimeOffset heardAt)
    {
        var next = Next();
        if (next is EnrolmentStep.Arrive or EnrolmentStep.Stay or EnrolmentStep.Withdraw or EnrolmentStep.StartOver)
        {
            waiting?.Cancel();
        }

        if (next is EnrolmentStep.Arrive or EnrolmentStep.Stay or EnrolmentStep.Withdraw)
        {
            // Two must not write the same state.
            await advancing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            next = Next();
        }

        switch (next)
        {
            case EnrolmentStep.Arrive arrive:
                await (advancing = Arrive(arrive));
                await Record(heardAt, DueAtRest());
                break;

            case EnrolmentStep.Withdraw withdraw:
                await (advancing = Withdraw(withdraw));
                await Record(heardAt, DueAtRest());
                break;

            case EnrolmentStep.Stay stay:
                await (advancing = Stay(stay));
                await Record(heardAt, DueAtRest());
                break;

            case EnrolmentStep.StartOver:
                NoteFall(heardAt);
                await Record(heardAt, context.Now);
                break;

            default:
                if (isRosterBehind)
                {
                    // A step that is under way may have taken the news up; only what the roster has stored survives us both.
                    await Record(heardAt, advancing.IsCompleted ? DueAtRest() : context.Now);
                }

                break;
        }
    }

    private DateTimeOffset? DueAtRest() => State.Superseded.Count > 0 ? context.Now : Due();

    // Once for each life: the state says that it is enrolled until the first step of the new enrolment.
    private void NoteFall(DateTimeOffset heardAt)
    {
        if (State is { Stage: NodeStage.Enrolled, Overlay: { } overlay } && !hasFallen && !State.WasAskedToEnrol(heardAt))
        {
            hasFallen = true;
            gate.NoteFall(overlay, isAttested: false);
        }
    }

    private Task AdvanceOnce(CancellationToken cancellationToken) =>
        advancing.IsCompleted ? advancing = Advance(cancellationToken) : advancing;

    private async Task Advance(CancellationToken cancellationToken)
    {
        IDisposable? place = null;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        waiting = patience;
        try
        {
            for (var taken = 0; taken < StepsMax; taken++)
            {
                var step = Next();
                if (step is EnrolmentStep.Nothing)
                {
                    return;
                }

                if (step.LeadsAway && !gate.Arrivals.Holds(Placed, Identity))
                {
                    var entering = gate.EnterArrivalsAsync(
                        Placed, Identity, findings, State.WaitingSince ?? context.Now, patience.Token);
                    if (!entering.IsCompleted)
                    {
                        // Others need the place, and those that go elsewhere need not wait for this overlay.
                        place?.Dispose();
                        place = null;
                    }

                    if (!await entering)
                    {
                        return;
                    }

                    continue;
                }

                if (step.HoldsPlace && place is null)
                {
                    place = await gate.EnterAsync(findings, State.WaitingSince ?? context.Now, patience.Token);
                    if (place is null)
                    {
                        return;
                    }
                }

                await TakeOrHold(step, patience.Token);
            }

            throw new UnreachableException($"the enrolment of {Identity} does not come to rest at {State.Stage}");
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // News has come that something else follows from: it is due at once.
        }
        finally
        {
            waiting = null;
            place?.Dispose();
            if (State.Stage is not (NodeStage.Configured or NodeStage.Restarted))
            {
                gate.Arrivals.Leave(Placed, Identity);
            }
        }
    }

    private async Task TakeOrHold(EnrolmentStep step, CancellationToken cancellationToken)
    {
        var begun = context.Timestamp();
        var hasFailed = true;
        try
        {
            await Take(step, cancellationToken);
            context.Meter.Stepped(step, context.Elapsed(begun));
            hasFailed = step is EnrolmentStep.Certify && State.Hold is { Kind: NodeStage.Deferred };
        }
        catch (NodeSilentException silent)
        {
            await Hold(Setback.OfSilence(State, silent.Message, context.Options, context.Now, EnrolmentContext.Jitter));
        }
        catch (NodeRefusedException refused)
        {
            hasFailed = false;
            await Hold(Setback.OfRefusal(State, refused.Fault, refused.Message, context.Options, context.Now, EnrolmentContext.Jitter));
        }
        catch (KeyUnprovenException unproven)
        {
            await Hold(Setback.Quarantine(Refusal.KeyUnproven, unproven.Message));
        }
        catch (Exception fault) when (IsOurs(fault, cancellationToken))
        {
            // Not even a bug of ours is a verdict on the node. What cannot be held either is tried again by the roster.
            log.Failed(Identity, step, fault);
            var detail = $"the step '{step.Name}' failed: {fault.Message}";
            await Hold(context.OfPlane(State, detail));
        }
        finally
        {
            gate.Felt(step, context.Elapsed(begun), hasFailed && !cancellationToken.IsCancellationRequested);
        }
    }

    // A state that another activation wrote ends this one, which holds it no more.
    private bool IsOurs(Exception fault, CancellationToken cancellationToken) =>
        EnrolmentDecision.IsUnderWay(State) && fault is not InconsistentStateException && !cancellationToken.IsCancellationRequested;

    private async Task Take(EnrolmentStep step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case EnrolmentStep.Arrive arrive:
                await Arrive(arrive);
                break;

            case EnrolmentStep.StartOver startOver:
                // Not written: the roster's record, or the missed deadline, leads another silo to the same decision.
                findings = null;
                ForgetArrival();
                node.State = State.StartedOver(startOver.WaitingSince, context.Now, startOver.Detail);
                break;

            case EnrolmentStep.Park park:
                await node.ReplaceAsync(
                    State.Pending is null ? State.OnHold(park.Hold, context.Now) : State.Spent(park.Hold, context.Now));
                await AnnounceHold();
                break;

            case EnrolmentStep.Stay stay:
                await Stay(stay);
                break;

            case EnrolmentStep.AwaitAnswers quiet:
                await context.Delay(quiet.Wait, cancellationToken);
                break;

            case EnrolmentStep.Withdraw withdraw:
                await Withdraw(withdraw);
                break;

            case EnrolmentStep.Forget:
                await node.ClearStateAsync(CancellationToken.None);
                (news, findings) = (new NodeNews(), null);
                break;

            case EnrolmentStep.Quarantine quarantine:
                await Hold(Setback.Quarantine(quarantine.Refusal, quarantine.Detail));
                break;

            default:
                await Keep(await Reach(step, cancellationToken));
                if (step is EnrolmentStep.Inspect)
                {
                    // One way: what can be searched for is soft, and no reason for an enrolment to wait or fail.
                    await GrainFactory.GetGrain<IInternalFleetIndexGrain>(FleetRoster.ShardOf(Identity)).RecordProvisioningInventory(
                        Identity, Findings.InventoryJson);
                }

                break;
        }
    }

    private Task<Progress> Reach(EnrolmentStep step, CancellationToken cancellationToken) => step switch
    {
        EnrolmentStep.CloseSuperseded => planeSteps.CloseSupersededAsync(Identity, State, findings, cancellationToken),
        EnrolmentStep.FreePlace => planeSteps.FreePlaceAsync(Identity, State, cancellationToken),
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
        if (progress.LivesIn is { } overlay)
        {
            news = news with { Arrival = new Arrival(overlay, context.Now, IsAnswer: true) };
            return;
        }

        if (progress.Contest is { } contest)
        {
            await node.ReplaceAsync(progress.State);
            ForgetArrival();
            hasFallen = false;
            log.Contested(Identity, contest);
            return;
        }

        if (!progress.IsDurable)
        {
            node.State = progress.State;
            return;
        }

        await node.ReplaceAsync(progress.State);
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
            await planeSteps.ReleaseAsync(Identity, State.Pending is null ? State.Attempt + 1 : State.Attempt);
        }
    }

    private async Task Arrive(EnrolmentStep.Arrive arrive)
    {
        var waitingSince = State.WaitingSince;
        gate.Arrivals.Arrived(Placed, Identity);
        NodeState arrived;
        try
        {
            arrived = await planeSteps.ArriveAsync(Identity, State, Pending, arrive.At);
        }
        catch (PlacementLapsedException lapsed)
        {
            await SendAway(lapsed.Message);
            return;
        }

        await node.ReplaceAsync(arrived);
        ForgetArrival();
        hasFallen = false;
        log.Enrolled(Identity, State, arrive.At - (waitingSince ?? arrive.At));
    }

    private async Task Withdraw(EnrolmentStep.Withdraw withdraw)
    {
        findings = null;
        await node.ReplaceAsync(State.Withdrawn(
            $"two machines answer for it on the provisioning network: {withdraw.Contested.Action} got two different answers", context.Now));
        news = news with { Contested = null };
        ForgetArrival();
        await AnnounceHold();
    }

    private async Task Stay(EnrolmentStep.Stay stay)
    {
        findings = null;
        await node.ReplaceAsync(State.Stayed(stay.At, context.Now));
        ForgetArrival();
        hasFallen = false;
    }

    // It arrived where there is no room any more. Told to enrol anew, it starts in provisioning mode and is placed again; when it does not
    // hear us, its next sign of life leads here again, or into the place if there is one by then.
    private async Task SendAway(string why)
    {
        ForgetArrival();
        log.Lapsed(Identity, why);
        try
        {
            using var patience = new CancellationTokenSource(SendAwayDeadline);
            await agent.ReprovisionAsync(Identity, State.Protocol, State.Overlay ?? "", patience.Token);
        }
        catch (Exception unwilling) when (
            unwilling is NodeSilentException or NodeRefusedException or NetworkUnavailableException or OperationCanceledException)
        {
            why = $"{why}; told to enrol anew, it did not: {unwilling.Message}";
        }

        await Hold(Setback.Deferred(why, context.Now + context.Options.RetryDelayMax));
    }

    // The sign of life belongs to the life that ends here: within the clocks' tolerance it would count for the next one too.
    private void ForgetArrival() => news = news with { Arrival = null };

    private EnrolmentStep Next() => EnrolmentDecision.Next(State, news, context.Options, gate.Controls, context.Now);

    private DateTimeOffset? Due() => State.Hold is { } hold ? hold.Until : State.Stage switch
    {
        NodeStage.Restarted => State.ArrivalDue,
        NodeStage.Enrolled => Renewal.DueAt(State, context.Options),
        _ => null,
    };

    private RosterEntry Entry(DateTimeOffset since) => new(
        Identity,
        State.Hold?.Kind ?? State.Stage,
        State.Overlay,
        State.Hold?.Reason,
        State.WaitingSince ?? since,
        Due(),
        State.Life.Liveness,
        agentVersion)
    {
        WaitsFor = State.Hold?.WaitsFor,
    };

    private async Task Record(DateTimeOffset heardAt, DateTimeOffset? due)
    {
        isRosterBehind = true;
        await Roster.Record(
            Next() is EnrolmentStep.StartOver startOver
                ? new RosterEntry(Identity, NodeStage.Discovered, State.Overlay, Reason: null, startOver.WaitingSince, due)
                : Entry(heardAt) with { DueAt = due });
        isRosterBehind = false;
    }
}

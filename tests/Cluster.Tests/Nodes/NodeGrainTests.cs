using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

public sealed class NodeGrainTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    private static readonly string[] Enrolment = ["jwt", "inventory", "gencsr", "configure", "restart"];

    [Fact]
    public async Task Observe_EnrolsTheNode_StepByStep()
    {
        const string identity = "steps.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);

        var enrolled = await cluster.Node(identity).Get();
        Assert.Equal(NodeStage.Enrolled, enrolled.Stage);
        Assert.Equal((NodeCluster.Overlay, 1, (string?)null), (enrolled.Overlay, enrolled.Attempt, enrolled.Reason));
        Assert.Equal(Enrolment, cluster.Nodes[identity].Calls);
        Assert.Equal(cluster.Nodes[identity].PublicKeyFingerprint, enrolled.Certificate?.PublicKeyFingerprint);
        var ordered = (await cluster.Order(identity, 1))?.Certificate;
        Assert.Equal(cluster.Nodes[identity].Configuration?.CertificatePem, ordered?.CertificatePem);
        Assert.Equal(cluster.Nodes[identity].Configuration?.ChainPem, ordered?.ChainPem);
        Assert.Equal(ordered?.SerialNumber, enrolled.Certificate?.SerialNumber);
        Assert.Equal(NodeLiveness.Alive, enrolled.Liveness);
        Assert.Equal(
            [
                NodeStage.Discovered, NodeStage.Attested, NodeStage.Inspected, NodeStage.Placed, NodeStage.Keyed, NodeStage.Certified,
                NodeStage.Configured, NodeStage.Restarted, NodeStage.Enrolled,
            ],
            enrolled.History.Select(step => step.Stage));
    }

    [Fact]
    public async Task Observe_MayBeRepeated()
    {
        const string identity = "repeated.example.net";
        var started = await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);

        await cluster.Observe(started);
        await cluster.Arrive(identity);

        Assert.Equal(NodeStage.Enrolled, (await cluster.Node(identity).Get()).Stage);
        Assert.Equal(Enrolment, cluster.Nodes[identity].Calls);
    }

    [Fact]
    public async Task Observe_WaitsForNoAnswer_OfANodeThatStartedAnewMeanwhile()
    {
        const string identity = "restarted-in-a-call.example.net";
        cluster.Nodes[identity].LeaveNextWithoutAnswer("gencsr");
        await cluster.Start(identity);
        await UntilCalled(identity, "gencsr");

        await cluster.Start(identity);

        var node = await cluster.Until(identity, one => one.Stage == NodeStage.Restarted);
        Assert.Equal(1, node.Attempt);
        Assert.Equal(2, cluster.Nodes[identity].Calls.Count(call => call == "gencsr"));
        Assert.DoesNotContain(node.History, step => step.Stage is NodeStage.Silent or NodeStage.Deferred);
    }

    [Fact]
    public async Task Observe_TakesAnArrival_ThoughTheReplyToTheRestartNeverComes()
    {
        const string identity = "arrived-in-a-call.example.net";
        cluster.Nodes[identity].LeaveNextWithoutAnswer("restart");
        await cluster.Start(identity);
        await UntilCalled(identity, "restart");

        await cluster.Arrive(identity);

        Assert.Equal(NodeStage.Enrolled, (await cluster.Node(identity).Get()).Stage);
    }

    [Fact]
    public async Task Observe_EnrolsAnew_AndThenRevokesThePreviousCertificate()
    {
        const string identity = "again.example.net";
        await Enrol(identity);
        var first = (await cluster.Node(identity).Get()).Certificate;

        await cluster.Start(identity);
        await cluster.Until(identity, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, 1))?.State);

        await cluster.Arrive(identity);
        var second = await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
        Assert.NotEqual(first?.SerialNumber, second.Certificate?.SerialNumber);
        await UntilClosed(identity, 1);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, 2))?.State);
    }

    [Fact]
    public async Task Observe_ClosesTheOrder_BeforeANodeThatStartedAnewIsAskedForAnotherKey()
    {
        const string identity = "midway.example.net";
        cluster.Nodes[identity].FailNext("configure", new NodeSilentException("no answer"));
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage is NodeStage.Silent or NodeStage.Deferred);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, 1))?.State);

        await cluster.Start(identity);
        await cluster.Until(identity, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
        Assert.NotEqual(LedgerState.Issued, (await cluster.Order(identity, 1))?.State);
        Assert.Equal(2, cluster.Nodes[identity].Calls.Count(call => call == "gencsr"));
    }

    [Fact]
    public async Task Observe_ReportsANodeThatDoesNotAnswer()
    {
        const string identity = "silent.example.net";
        for (var probe = 0; probe < 5; probe++)
        {
            cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("no answer to choria_provision#jwt within 5 s"));
        }

        await cluster.Start(identity);
        var silent = await cluster.Until(identity, node => node.Stage == NodeStage.Silent);

        Assert.Equal("no answer to choria_provision#jwt within 5 s", silent.Reason);
        Assert.NotNull(silent.DueAt);
    }

    [Fact]
    public async Task Observe_Quarantines_ANodeWhoseRequestNamesAnother_AndReprovisionLetsItTryAgain()
    {
        const string identity = "liar.example.net";
        cluster.Nodes[identity].CommonName = "victim.example.net";
        await cluster.Start(identity);

        var refused = await cluster.Until(identity, node => node.Stage == NodeStage.Quarantined);
        Assert.Equal(Refusal.IdentityMismatch, refused.Refusal);
        Assert.DoesNotContain("configure", cluster.Nodes[identity].Calls);

        cluster.Nodes[identity].CommonName = identity;
        Assert.IsType<ReprovisionOutcome.Accepted>(await Reprovision(identity));
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
    }

    [Fact]
    public async Task Reprovision_TellsTheNode_WhenItIsEnrolled()
    {
        const string identity = "moved.example.net";
        await Enrol(identity);

        Assert.IsType<ReprovisionOutcome.Accepted>(await Reprovision(identity));
        Assert.Contains($"reprovision in {NodeCluster.Overlay}", cluster.Nodes[identity].Calls);
        Assert.Contains("asked for by system: a test", (await cluster.Node(identity).Get()).History[^1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reprovision_SaysSo_WhenTheNodeIsUnknownOrUnwilling()
    {
        const string identity = "reluctant.example.net";
        Assert.IsType<ReprovisionOutcome.UnknownNode>(await Reprovision(identity));

        await Enrol(identity);
        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new NodeSilentException("no answer"));
        Assert.Equal(new ReprovisionOutcome.NodeUnwilling("no answer"), await Reprovision(identity));
    }

    // Events in provisioning mode are signed by nobody: anyone on that network can say that a node started there.
    [Fact]
    public async Task Observe_TakesNothingFromANodeThatLives_WhenItsFallIsForged()
    {
        const string identity = "libelled.example.net";
        await Enrol(identity);
        var before = await cluster.Node(identity).Get();
        cluster.Nodes[identity].LivesIn = NodeCluster.Overlay;
        cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("nobody is there"));

        await cluster.Start(identity);

        var after = await cluster.Until(identity, node => node.History[^1].Detail == $"it is heard in {NodeCluster.Overlay} as before");
        Assert.Equal((NodeStage.Enrolled, before.Attempt, before.Overlay), (after.Stage, after.Attempt, after.Overlay));
        Assert.Equal(before.Certificate?.SerialNumber, after.Certificate?.SerialNumber);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, before.Attempt))?.State);
        Assert.Null(await cluster.Order(identity, before.Attempt + 1));
        Assert.DoesNotContain($"reprovision in {NodeCluster.Overlay}", cluster.Nodes[identity].Calls);
    }

    [Fact]
    public async Task Decommission_RevokesAndFreesThePlace_AndTheNodeStaysOut_UntilItIsReprovisioned()
    {
        const string identity = "scrapped.example.net";
        await Enrol(identity);
        Assert.NotNull(await cluster.Placement.Explain(identity));

        Assert.True(await Decommission(identity));
        Assert.True(await Decommission(identity));

        await UntilClosed(identity, 1);
        await cluster.Until(
            identity, node => node is { Stage: NodeStage.Gone, DueAt: null } && node.History[^1].Detail == "its place is free");
        await cluster.UntilPlaced(identity, isPlaced: false);
        Assert.Single(
            (await cluster.Node(identity).Get()).History, step => step.Detail == "decommissioned by system: a test; it shuts down");

        await cluster.Start(identity);
        await cluster.Arrive(identity);
        Assert.Equal((NodeStage.Gone, 1), ((await cluster.Node(identity).Get()).Stage, (await cluster.Node(identity).Get()).Attempt));

        Assert.IsType<ReprovisionOutcome.Accepted>(await Reprovision(identity));
        await cluster.Until(identity, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
        await cluster.Arrive(identity);
        Assert.NotNull(await cluster.Placement.Explain(identity));
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, 2))?.State);
    }

    [Fact]
    public async Task Reprovision_LeavesADecommissionedNodeOut_AndSaysWhatHelps_WhenItIsNowhere()
    {
        const string identity = "switched-off.example.net";
        await Decommissioned(identity);
        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new NodeSilentException("no reply"));
        cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("no reply"));

        var unwilling = Assert.IsType<ReprovisionOutcome.NodeUnwilling>(await Reprovision(identity));

        Assert.Contains("start it in provisioning mode, then ask again", unwilling.Detail, StringComparison.Ordinal);
        Assert.Equal(NodeStage.Gone, (await cluster.Node(identity).Get()).Stage);
    }

    [Fact]
    public async Task Reprovision_TakesUpADecommissionedNode_ThatIsInProvisioningMode()
    {
        const string identity = "reinstalled.example.net";
        await Decommissioned(identity);
        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new NodeSilentException("no reply"));

        Assert.IsType<ReprovisionOutcome.Accepted>(await Reprovision(identity));

        await cluster.Until(identity, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
    }

    [Fact]
    public async Task Decommission_IsFinished_ThoughTheGrainEndedRightAfterItsIntentWasStored()
    {
        const string identity = "dying.example.net";
        await Enrol(identity);
        var failures = 1;
        cluster.Ledger.BeforeWrite = entry =>
        {
            if (entry.OrderId.StartsWith(identity, StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0)
            {
                throw new LedgerUnavailableException("a test");
            }
        };

        Assert.True(await Decommission(identity));
        await cluster.Until(identity, _ => Volatile.Read(ref failures) <= 0);
        await cluster.DeactivateAll();

        await UntilClosed(identity, 1);
        await cluster.Until(
            identity, node => node is { Stage: NodeStage.Gone, DueAt: null } && node.History[^1].Detail == "its place is free");
        await cluster.UntilPlaced(identity, isPlaced: false);
    }

    [Fact]
    public async Task Decommission_TakesBackThePlace_OfANodeThatIsStillEnrolling()
    {
        const string identity = "midway-out.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);

        Assert.True(await Decommission(identity));

        await UntilClosed(identity, 1);
        await cluster.Until(
            identity, node => node is { Stage: NodeStage.Gone, DueAt: null } && node.History[^1].Detail == "its place is free");
        await cluster.UntilPlaced(identity, isPlaced: false);
    }

    [Fact]
    public async Task Decommission_ShutsTheNodeDown_WhereItListens_AndSaysWhenItCouldNot()
    {
        var request = new DecommissionRequest("a test");
        string[] nodes = ["heard.example.net", "unheard.example.net", "unwilling.example.net"];
        foreach (var identity in nodes)
        {
            cluster.Nodes[identity].Protocol = NodeProtocol.V2;
            await Enrol(identity);
        }

        const string call = $"shutdown in {NodeCluster.Overlay}";
        cluster.Nodes[nodes[1]].FailNext(call, new NodeSilentException("no answer"));
        cluster.Nodes[nodes[1]].FailNext(call, new NodeSilentException("no answer"));
        cluster.Nodes[nodes[2]].FailNext(call, new NodeRefusedException(NodeFault.Other, "not allowed"));
        var outcomes = await Task.WhenAll(nodes.Select(identity => cluster.Node(identity).Decommission(request)));

        Assert.Equal((true, "it shuts down"), (outcomes[0]!.IsShutDown, outcomes[0]!.Shutdown));
        Assert.Contains("its server token is valid until", Assert.Single(outcomes[0]!.Remaining), StringComparison.Ordinal);
        Assert.Contains("it did not answer", outcomes[1]!.Shutdown, StringComparison.Ordinal);
        Assert.Equal(2, cluster.Nodes[nodes[1]].Calls.Count(made => made == call));
        Assert.Contains("it refused: not allowed", outcomes[2]!.Shutdown, StringComparison.Ordinal);
        var gone = await cluster.Until(nodes[2], node => node.Stage == NodeStage.Gone);
        Assert.Contains(gone.History, step => step.Detail?.Contains("it refused: not allowed", StringComparison.Ordinal) == true);

        Assert.Equal("it was out of the fleet before", (await cluster.Node(nodes[0]).Decommission(request))!.Shutdown);
    }

    [Fact]
    public async Task Decommission_SaysSo_WhenTheNodeIsUnknown() => Assert.False(await Decommission("never-heard-of.example.net"));

    [Fact]
    public async Task Observe_GivesAServerToken_ToANodeOfProtocolV2()
    {
        const string identity = "v2.example.net";
        cluster.Nodes[identity].Protocol = NodeProtocol.V2;
        await Enrol(identity);

        var enrolled = await cluster.Node(identity).Get();
        Assert.Null(enrolled.Certificate);
        Assert.NotNull(enrolled.ServerTokenExpiresAt);
        Assert.StartsWith($"server token of {identity}", cluster.Nodes[identity].Configuration?.ServerToken, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Observe_HandsTheTokensExtensionsAndTheFacts_ToThePlacement()
    {
        const string identity = "attributed.example.net";
        var policy = await cluster.Policies.ApplyPolicy("""
            apiVersion: placement.controlplane/v1
            kind: PlacementPolicy
            metadata: { name: attributes }
            spec:
              attributes:
                record: { from: enrolment.customer }
                claim: { from: jwt.ext.customer }
                system: { from: facts.os }
            """);
        Assert.Empty(policy.Faults);

        await Enrol(identity);

        Assert.Equal("""{"claim":"acme","record":"acme","system":"Debian"}""", (await cluster.Placement.Explain(identity))!.Attributes);
    }

    [Fact]
    public async Task Observe_PlacesTheNodeAgain_WhenItArrivesAndHasNoPlace()
    {
        const string identity = "late.example.net";
        await cluster.Start(identity);
        var configured = await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Places.Release(identity);

        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Contains($"reprovision in {NodeCluster.Overlay}", cluster.Nodes[identity].Calls);

        await Enrol(identity);
        Assert.Equal(configured.Attempt + 1, (await cluster.Node(identity).Get()).Attempt);
    }

    private Task<ReprovisionOutcome> Reprovision(string identity) => cluster.Node(identity)
        .Reprovision(new ReprovisionRequest("a test"), TestContext.Current.CancellationToken);

    private async Task Decommissioned(string identity)
    {
        await Enrol(identity);
        Assert.True(await Decommission(identity));
        await cluster.Until(
            identity, node => node is { Stage: NodeStage.Gone, DueAt: null } && node.History[^1].Detail == "its place is free");
    }

    private async Task<bool> Decommission(string identity) =>
        await cluster.Node(identity).Decommission(new DecommissionRequest("a test")) is not null;

    private Task UntilCalled(string identity, string action) => TestKit.Readiness.UntilAsync(
        _ => Task.FromResult(cluster.Nodes[identity].Calls.Contains(action)),
        $"{action} of {identity}",
        TestContext.Current.CancellationToken);

    private async Task Enrol(string identity)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
    }

    private async Task UntilClosed(string identity, int attempt)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while ((await cluster.Order(identity, attempt))?.State is not (LedgerState.RevocationDue or LedgerState.Closed))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }
}

using ControlPlane.Certificates;
using ControlPlane.Demo;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Demo;

/// <summary>The demo must not call a node that two sites keep, or that no site keeps, owned.</summary>
public sealed class OwnershipTests
{
    [Fact]
    public void Merge_TakesTheOwnersLine_WhicheverSiteComesFirst() => Assert.Equal(
        [("n0", NodeStage.Enrolled), ("n1", NodeStage.Configured), ("n2", NodeStage.Elsewhere)],
        Ownership.Merge(
        [
            Site("a", At("n0", NodeStage.Elsewhere, "b"), At("n1", NodeStage.Configured, "a"), At("n2", NodeStage.Elsewhere, "b")),
            Site("b", At("n0", NodeStage.Enrolled, "b"), At("n1", NodeStage.Elsewhere, "a")),
        ]).Select(entry => (entry.Identity, entry.Stage)).Order());

    [Fact]
    public void Faults_AreNone_WhenTheOthersOnlyHeardOfTheNode() => Assert.Empty(Ownership.Faults(
    [
        Site("a", At("n0", NodeStage.Elsewhere, "b")) with { Ledger = [Order("n0", LedgerState.Closed)] },
        Site("b", At("n0", NodeStage.Enrolled, "b")) with { Ledger = [Order("n0", LedgerState.Issued)] },
    ]));

    [Fact]
    public void Faults_NameANode_ThatTwoSitesKeep() => Assert.Equal(
        ["n0: has 2 owners: a (Enrolled), b (Configured)"],
        Ownership.Faults([Site("a", At("n0", NodeStage.Enrolled, "a")), Site("b", At("n0", NodeStage.Configured, "b"))]));

    [Fact]
    public void Faults_NameANode_WhoseOwnerSaysThatItLivesElsewhere() => Assert.Equal(
        ["n0: a owns it and says that it lives in b"], Ownership.Faults([Site("a", At("n0", NodeStage.Enrolled, "b"))]));

    [Fact]
    public void Faults_NameACertificate_ThatTheOwnerBeforeDidNotRevoke() => Assert.Equal(
        ["n0: a does not own it, and its certificate of a is not revoked"],
        Ownership.Faults(
        [
            Site("a", At("n0", NodeStage.Elsewhere, "b")) with { Ledger = [Order("n0", LedgerState.Issued)] },
            Site("b", At("n0", NodeStage.Enrolled, "b")),
        ]));

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 2, 1)]
    public void CountFaults_NameAnOverlay_ThatIsCountedOtherwiseThanItLists(int own, int leaders, int faults) => Assert.Equal(
        faults,
        Ownership.CountFaults([Site("a", At("n0", NodeStage.Enrolled, "a"))], [Overlay(own)], [Overlay(leaders)]).Count());

    [Fact]
    public void LeftFaults_AreNone_WhenAllLeftAndWhatTheyHeldIsRevoked() => Assert.Empty(Ownership.LeftFaults(
        Site("a", At("n0", NodeStage.Elsewhere, "b")) with { Revoked = new HashSet<string> { "BEEF" } }, Before));

    [Fact]
    public void LeftFaults_NameNodesAndCertificates_ThatAreLeft() => Assert.Equal(
        ["a is retired and owns 1 nodes", "n0: a issued its old certificate and does not list it as revoked"],
        Ownership.LeftFaults(Site("a", At("n0", NodeStage.Enrolled, "a")), Before));

    private static SiteReading Before => Site("a", At("n0", NodeStage.Enrolled, "a")) with
    {
        Held = new Dictionary<string, NodeSnapshot>
        {
            ["n0"] = new(
                "n0", NodeStage.Enrolled, NodeProtocol.V1, Attempt: 1, "a", PlacementReason: null, Reference, ServerTokenExpiresAt: null,
                Refusal: null, Reason: null, DueAt: null, FirstSeenAt: null, LastSeenAt: null, AgentVersion: null, History: []),
        },
    };

    private static readonly IssuedCertificate Certificate = new(
        "order-1", "local", "BEEF", "pem", "chain", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30), "f00d");

    private static readonly CertificateReference Reference = new(
        "local", "BEEF", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30), "f00d");

    private static SiteReading Site(string name, params RosterEntry[] roster) =>
        new(name, roster, new Dictionary<string, NodeSnapshot>(), [], new HashSet<string>());

    private static RosterEntry At(string identity, NodeStage stage, string overlay) =>
        new(identity, stage, overlay, Reason: null, DateTimeOffset.UnixEpoch, DueAt: null);

    private static LedgerEntry Order(string identity, LedgerState state) =>
        new("local", $"order-{state}", identity, state, "digest", DateTimeOffset.UnixEpoch, Certificate, null, null, Version: 1);

    private static OverlaySnapshot Overlay(int nodes) => new("a", OverlayState.Active, nodes, 0, 10, 10);
}

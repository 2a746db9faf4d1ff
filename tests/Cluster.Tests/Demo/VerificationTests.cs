using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.Demo;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using SimulatedFault = ControlPlane.FleetSimulator.Faults.SimulatedFault;

namespace ControlPlane.Cluster.Tests.Demo;

/// <summary>The demo's own judgement: it must not call a fleet enrolled that is not.</summary>
public sealed class VerificationTests
{
    private const string Identity = "node1.example.net";

    private static readonly IssuedCertificate Certificate = Issue();

    private static readonly RosterEntry Enrolled =
        new(Identity, NodeStage.Enrolled, "overlay-1", Reason: null, DateTimeOffset.UnixEpoch, DueAt: null);

    [Fact]
    public void Faults_AreNone_WhenTheOneUnrevokedCertificateIsOfTheNodesKey() =>
        Assert.Empty(Faults(Node(), Enrolled, Certificate, Order(LedgerState.Issued, Certificate), Order(LedgerState.Closed, null)));

    [Fact]
    public void Faults_NameANode_ThatIsNotEnrolled() =>
        AssertFault("is Deferred, not enrolled: no room", Faults(Node(), Enrolled with { Stage = NodeStage.Deferred, Reason = "no room" }));

    [Fact]
    public void Faults_NameANode_ThatWasNeverHeardOf() =>
        AssertFault("never heard of it", Verification.Faults([Node()], [], new Dictionary<string, NodeSnapshot>(), []));

    [Fact]
    public void Faults_NameACertificate_OfAnotherKey() => AssertFault(
        "of another key",
        Faults(Node(), Enrolled, Certificate with { PublicKeyFingerprint = "beef" }, Order(LedgerState.Issued, Certificate)));

    [Fact]
    public void Faults_NameASecondUnrevokedOrder() => AssertFault(
        "2 unrevoked orders",
        Faults(Node(), Enrolled, Certificate, Order(LedgerState.Issued, Certificate), Order(LedgerState.OutcomeUnknown, null)));

    [Fact]
    public void Faults_NameANode_ThatIsNotWhereItIsSaidToBe() => AssertFault(
        "is Restarting itself",
        Faults(Node(SimulatedNodeStage.Restarting), Enrolled, Certificate, Order(LedgerState.Issued, Certificate)));

    [Theory]
    [InlineData(NodeStage.Silent, "does not answer", 0)]
    [InlineData(NodeStage.Silent, null, 1)]
    [InlineData(NodeStage.Discovered, null, 1)]
    [InlineData(NodeStage.Enrolled, null, 1)]
    public void Faults_AskForAReason_WhereANodeIsDead(NodeStage stage, string? reason, int faults) =>
        Assert.Equal(faults, Faults(Node(fault: SimulatedFault.Dead), Enrolled with { Stage = stage, Reason = reason }).Count);

    private static IssuedCertificate Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest($"CN={Identity}", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30));
        return new IssuedCertificate(
            "order-1",
            "local",
            certificate.SerialNumber.TrimStart('0'),
            certificate.ExportCertificatePem(),
            "chain",
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddDays(30),
            "f00d");
    }

    private static SimulatedNode Node(SimulatedNodeStage stage = SimulatedNodeStage.Arrived, SimulatedFault fault = SimulatedFault.None) =>
        new(Identity, ChoriaProtocol.V1, fault)
        {
            Stage = stage,
            PublicKeyFingerprint = Certificate.PublicKeyFingerprint,
            Certificate = Certificate.CertificatePem,
        };

    private static LedgerEntry Order(LedgerState state, IssuedCertificate? certificate) =>
        new("local", $"order-{state}", Identity, state, "digest", DateTimeOffset.UnixEpoch, certificate, null, null, Version: 1);

    private static IReadOnlyList<string> Faults(
        SimulatedNode node, RosterEntry entry, IssuedCertificate? certificate = null, params LedgerEntry[] orders)
    {
        var snapshot = new NodeSnapshot(
            Identity, entry.Stage, NodeProtocol.V1, Attempt: 1, "overlay-1", PlacementReason: null, certificate?.ToReference(),
            ServerTokenExpiresAt: null, Refusal: null, entry.Reason, DueAt: null, FirstSeenAt: null, LastSeenAt: null,
            AgentVersion: null, History: []);
        return Verification.Faults([node], [entry], new Dictionary<string, NodeSnapshot> { [Identity] = snapshot }, orders);
    }

    private static void AssertFault(string words, IReadOnlyList<string> faults) =>
        Assert.Contains(words, Assert.Single(faults), StringComparison.Ordinal);
}

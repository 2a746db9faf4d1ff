using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.Fleet;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Store;
using LedgerEntry = ControlPlane.Certificates.LedgerEntry;
using SimulatedFault = ControlPlane.FleetSimulator.Faults.SimulatedFault;
using SimulatedNode = ControlPlane.FleetSimulator.SimulatedNode;

namespace ControlPlane.Cluster.Tests.Chaos;

/// <summary>
/// A checker that finds nothing is worth what it finds when something is planted: each bug here must be caught, by its own invariant.
/// </summary>
public sealed class HistoryCheckerTests
{
    private const string Node = "node1.example.net";
    private const string Overlay = "overlay-1";
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly IssuedCertificate First = Issue(Node, isAuthority: false, Node);
    private static readonly IssuedCertificate Second = Issue(Node, isAuthority: false, Node);

    [Fact]
    public void Check_FindsNothing_InAFleetThatIsAsItShouldBe()
    {
        var checks = HistoryChecker.Check(Sound());

        Assert.All(checks, check => Assert.Empty(check.Violations));
        Assert.All(checks, check => Assert.True(check.Checked > 0, check.Title));
    }

    [Fact]
    public void Check_Catches_ANodeThatIsStuck() =>
        AssertCaught(1, Sound() with { Sites = Listed(Entry() with { Stage = NodeStage.Keyed }) });

    [Fact]
    public void Check_Catches_ANodeThatWasNeverHeardOf() => AssertCaught(1, Sound() with { Sites = Listed() });

    [Fact]
    public void Check_Catches_ADeferralWithoutAnEnd() =>
        AssertCaught(1, Sound() with { Sites = Listed(Entry() with { Stage = NodeStage.Deferred, Reason = "no room" }) });

    [Fact]
    public void Check_Catches_ACertificateThatTheNodeDidNotAskFor()
    {
        AssertCaught(9, Sound() with { Nodes = [Simulated(First)] });
        AssertCaught(9, Sound() with { Nodes = [] });
    }

    [Fact]
    public void Check_TakesEventsOfStrangers_ForNobodys_AndMissesThoseOfWhoIsKnown()
    {
        var early = new StoredEvent("provisioning", 7, Now, "invented.example.net", "Startup");
        Assert.All(HistoryChecker.Check(Sound() with { Events = [.. Sound().Events, early] }), check => Assert.Empty(check.Violations));

        AssertCaught(6, Sound() with { Events = [.. Sound().Events, early with { Identity = Node, StoredAt = Now.AddMinutes(1) }] });
    }

    [Fact]
    public void Check_Catches_ARevocationThatWasSkipped() => AssertCaught(3, Sound() with { RevokedSerials = new HashSet<string>() });

    [Fact]
    public void Check_Catches_ASupersededOrderThatStayedValid()
    {
        var ledger = Sound().Ledger.Select(order => order with { State = LedgerState.Issued }).ToList();
        AssertCaught(3, Sound() with { Ledger = ledger });
        AssertCaught(2, Sound() with { Ledger = ledger });
    }

    [Fact]
    public void Check_Catches_ACertificateThatTheLedgerForgot() =>
        AssertCaught(3, Sound() with { Ledger = [.. Sound().Ledger.Where(order => order.State == LedgerState.Issued)] });

    [Fact]
    public void Check_Catches_AnOrderWhoseOutcomeNobodyLookedFor() =>
        AssertCaught(3, Sound() with { Ledger = [.. Sound().Ledger, Order("9", LedgerState.OutcomeUnknown, null)] });

    [Fact]
    public void Check_Catches_ACertificateOfAnotherKeyThanTheNodes() => AssertCaught(
        2, Sound() with { Nodes = [Simulated(First)] });

    [Theory]
    [InlineData("other.example.net", false, Node)]
    [InlineData(Node, false, "other.example.net")]
    [InlineData(Node, false, Node, "*.example.net")]
    [InlineData(Node, true, Node)]
    public void Check_Catches_ACertificateThatNamesMoreThanItsNode(string commonName, bool isAuthority, params string[] names) =>
        AssertCaught(
        4, Sound() with { Ledger = [Order("3", LedgerState.Issued, Issue(commonName, isAuthority, names))] });

    [Fact]
    public void Check_Catches_ANodeThatLivesInTwoOverlays_AndWasGivenUpByNeither()
    {
        AssertCaught(2, Sound() with { Operations = [.. Sound().Operations, Confirmed("overlay-2")] });
        AssertCaught(2, Sound() with { Operations = [.. Sound().Operations, LetIn("overlay-2")] });
    }

    [Fact]
    public void Check_Catches_ANodeThatTwoSitesHaveEnrolled()
    {
        AssertCaught(2, Sound() with { Sites = TwoSites(Entry(), Entry() with { Overlay = "overlay-2" }) });
        AssertCaught(2, Sound() with { Sites = TwoSites(Entry(), Entry()) });
    }

    [Fact]
    public void Check_Catches_ANodeThatIsEnrolledWhereItDoesNotLive() =>
        AssertCaught(2, Sound() with { Sites = TwoSites(Elsewhere(), Entry() with { Overlay = "overlay-2" }) });

    [Fact]
    public void Check_Catches_AnOwnerThatGaveANodeUp_BeforeItArrivedAnywhereElse()
    {
        Operation[] tooEarly = [MovedAway("overlay-2"), Confirmed("overlay-2"), Removed()];
        AssertCaught(2, Sound() with { Operations = [.. Sound().Operations, .. tooEarly] });
    }

    /// <summary>A site that only hears a node, or owned it before, is no owner of it; nor is one that had no room for it.</summary>
    [Fact]
    public void Check_FindsNothing_WhenANodeMoved()
    {
        Operation[] move = [Placed("overlay-2"), Confirmed("overlay-2"), MovedAway("overlay-2"), Removed()];
        var moved = Sound() with
        {
            Sites = TwoSites(Elsewhere(), Entry() with { Overlay = "overlay-2" }),
            Operations =
            [
                .. Sound().Operations, .. move, LetIn("overlay-3", refusal: "overlay-3 is full"), Confirmed("overlay-3", outcome: "Late"),
            ],
            Overlays = [Snapshot() with { Nodes = 0 }, Snapshot() with { Name = "overlay-2" }],
        };
        Assert.All(HistoryChecker.Check(moved), check => Assert.Empty(check.Violations));
    }

    [Fact]
    public void Check_Catches_AnOverlayThatWasOverfilled_ThoughItIsNotNow()
    {
        Operation[] crowd =
        [
            .. Enumerable.Range(0, 3).SelectMany(number => (Operation[])
            [
                Placed(Overlay, $"crowd{number}.example.net"), Confirmed(node: $"crowd{number}.example.net"),
            ]),
        ];
        AssertCaught(5, Sound() with { Operations = [.. Sound().Operations, .. crowd] });
    }

    [Fact]
    public void Check_Catches_AnOverlayThatCountsLessThanItHolds() =>
        AssertCaught(5, Sound() with { Overlays = [Snapshot() with { Nodes = 0 }] });

    [Fact]
    public void Check_Catches_AnEventThatWasDropped() => AssertCaught(
        6, Sound() with { Events = [.. Sound().Events, new StoredEvent(Overlay, 9, Now.AddMinutes(1), Node, "Startup")] });

    [Fact]
    public void Check_Catches_ACallThatIsNotInTheRecord_OrTwiceInIt_OrWithoutAnOutcome()
    {
        AssertCaught(7, Sound() with { Answered = [.. Sound().Answered, new OperatorCall(Node, "CHG-2")] });
        AssertCaught(7, Sound() with { Audit = Recorded(AuditedCall("1"), AuditedOutcome("1"), AuditedCall("2"), AuditedOutcome("2")) });
        AssertCaught(7, Sound() with { Audit = Recorded(AuditedCall("1")) });
    }

    [Fact]
    public void Check_Catches_ARecordThatWasChanged_OrTakenOut()
    {
        var lines = Recorded(AuditedCall("1"), AuditedOutcome("1"), AuditedCall("2") with { Reason = "CHG-2" });
        Assert.All(HistoryChecker.Check(Sound() with { Audit = lines }), check => Assert.Empty(check.Violations));

        var changed = lines[2] with { Body = lines[2].Body.Replace("CHG-2", "CHG-3", StringComparison.Ordinal) };
        AssertCaught(7, Sound() with { Audit = [lines[0], lines[1], changed] });
        AssertCaught(7, Sound() with { Audit = [lines[0], lines[2]] });
    }

    [Theory]
    [InlineData("warn: the secret is s3cret-planted")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----")]
    [InlineData("token eyJhbGciOiJFZERTQSJ9.eyJwdXJwb3NlIjoiY2hvcmlhIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg")]
    public void Check_Catches_ASecretInALog(string line) =>
        AssertCaught(8, Sound() with { Texts = new Dictionary<string, string> { ["log"] = $"info: ready\n{line}\n" } });

    [Fact]
    public void Schedule_IsTheSameForTheSameSeed_AndShowsEveryFaultBeforeOneComesTwice()
    {
        var (duration, interval) = (TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(10));
        var schedule = FaultSchedule.Of(7, duration, interval);
        var kinds = Enum.GetValues<Fault>().Length;

        Assert.Equal(schedule, FaultSchedule.Of(7, duration, interval));
        Assert.NotEqual(schedule, FaultSchedule.Of(8, duration, interval));
        Assert.Equal(kinds, schedule.Take(kinds).Select(fault => fault.Fault).Distinct().Count());
        Assert.All(schedule, fault => Assert.InRange(fault.At, TimeSpan.Zero, duration));
    }

    private static void AssertCaught(int invariant, FleetFacts facts) =>
        Assert.Contains(HistoryChecker.Check(facts), check => check.Invariant == invariant && check.Violations.Count > 0);

    /// <summary>One node that enrolled, was reprovisioned, and enrolled again; its first certificate is revoked.</summary>
    private static FleetFacts Sound() => new()
    {
        Nodes = [Simulated(Second)],
        Sites = Listed(Entry()),
        Snapshots = new Dictionary<string, NodeSnapshot> { [Node] = Held() },
        Ledger = [Order("1", LedgerState.Closed, First), Order("2", LedgerState.Issued, Second)],
        RevokedSerials = new HashSet<string> { First.SerialNumber },
        Overlays = [Snapshot()],
        Operations =
        [
            Stepped(), Heard(1), Placed(Overlay), Certified("1", First), Confirmed(),
            Heard(2), Placed(Overlay), Certified("2", Second), Confirmed(), Closed("1"),
        ],
        Answered = [new OperatorCall(Node, "CHG-1")],
        Audit = Recorded(AuditedCall("1"), AuditedOutcome("1")),
        Events = [new StoredEvent(Overlay, 1, Now, Node, "Startup"), new StoredEvent(Overlay, 2, Now, Node, "Startup")],
        Texts = new Dictionary<string, string> { ["log"] = "info: ready\n" },
        Secrets = new Dictionary<string, string> { ["the shared secret"] = "s3cret-planted" },
    };

    private static AuditLine[] Recorded(params AuditRecord[] records)
    {
        const string chain = "silo1:11111";
        var head = ChainHead.None;
        return [.. records.Select((record, index) =>
        {
            var placed = record.After(head, chain);
            head = placed.Head;
            return new AuditLine((ulong)index + 1, AuditTopics.Of(chain), placed.Hash, placed.Body);
        })];
    }

    private static AuditRecord AuditedCall(string id) => new()
    {
        Id = id,
        Kind = AuditKind.Call,
        At = Now,
        Who = new AuditCaller("ann", CallerMethod.AccessToken),
        Permission = Permissions.NodesReprovision,
        On = new AuditTarget(Node: Node),
        Reason = "CHG-1",
    };

    private static AuditRecord AuditedOutcome(string id) => new() { Id = id, Kind = AuditKind.Outcome, At = Now, Outcome = "ok" };

    private static Dictionary<string, IReadOnlyList<RosterEntry>> Listed(params RosterEntry[] entries) => new() { [Overlay] = entries };

    private static Dictionary<string, IReadOnlyList<RosterEntry>> TwoSites(RosterEntry one, RosterEntry other) =>
        new() { [Overlay] = [one], ["overlay-2"] = [other] };

    private static RosterEntry Elsewhere() => Entry() with { Stage = NodeStage.Elsewhere };

    private static RosterEntry Entry() => new(Node, NodeStage.Enrolled, Overlay, Reason: null, Now, DueAt: null);

    private static OverlaySnapshot Snapshot() => new(Overlay, OverlayState.Active, Nodes: 1, Reserved: 0, SoftLimit: 2, HardLimit: 2);

    private static NodeSnapshot Held() => new(
        Node, NodeStage.Enrolled, NodeProtocol.V1, 2, Overlay, "room", Second.ToReference(), null, null, null, null, Now, Now, "0.29.4",
        [new NodeStep(NodeStage.Enrolled, Now, 2, null)]);

    private static SimulatedNode Simulated(IssuedCertificate certificate) => new(Node, ChoriaProtocol.V1, SimulatedFault.None)
    {
        Stage = SimulatedNodeStage.Arrived,
        PublicKeyFingerprint = certificate.PublicKeyFingerprint,
        Certificate = certificate.CertificatePem,
        AnnouncedAt = Now,
    };

    private static Operation Heard(int sequence) => Done(
        "IInternalFleetSliceGrain.Observe", "slice", ("events", $"{Overlay}/8/other.example.net {Overlay}/{sequence}/{Node}"));

    private static Operation Stepped() => Done("IInternalNodeGrain.TakeStep", Node);

    private static Operation Placed(string overlay, string node = Node) =>
        Done("IInternalPlacementGrain.Place", "region", ("node", node), ("overlay", overlay));

    private static Operation Confirmed(string overlay = Overlay, string node = Node, string outcome = "Lives") =>
        Done("IOverlayPlacementGrain.Confirm", $"region/{overlay}", ("node", node), ("outcome", outcome));

    private static Operation LetIn(string overlay, string? refusal = null) => Done(
        "IOverlayPlacementGrain.LetIn", $"region/{overlay}", refusal is null ? [("node", Node)] : [("node", Node), ("refusal", refusal)]);

    private static Operation Removed() => Done("IOverlayPlacementGrain.Remove", $"region/{Overlay}", ("node", Node));

    private static Operation MovedAway(string to) =>
        Done("IInternalNodeGrain.MoveAway", Node, ("from", Overlay), ("to", to)) with { Phase = OperationPhase.Invoked };

    private static Operation Certified(string order, IssuedCertificate certificate) => Done(
        "ICertificateIssuanceGrain.Issue", "local/1", ("order", order), ("node", Node), ("serial", certificate.SerialNumber));

    private static Operation Closed(string order) => Done("ICertificateIssuanceGrain.Close", "local/1", ("order", order));

    private static Operation Done(string name, string key, params (string Name, string Value)[] facts) => new(
        Now, By: 1, Id: 1, OperationPhase.Ok, name, key, facts.ToImmutableDictionary(fact => fact.Name, fact => fact.Value));

    private static LedgerEntry Order(string id, LedgerState state, IssuedCertificate? certificate) =>
        new("local", id, Node, state, "digest", Now, certificate, null, null, 1);

    private static IssuedCertificate Issue(string commonName, bool isAuthority, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            alternatives.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(isAuthority, hasPathLengthConstraint: false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(30));
        var fingerprint = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        return new IssuedCertificate(
            "order", "local", certificate.SerialNumber.TrimStart('0'), certificate
                .ExportCertificatePem(), "chain", Now, Now.AddDays(30), fingerprint);
    }
}

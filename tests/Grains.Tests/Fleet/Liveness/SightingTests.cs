using System.Collections.Immutable;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class SightingTests
{
    private static readonly DateTimeOffset Arrived = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly NodeState Enrolled = new()
    {
        Stage = NodeStage.Enrolled,
        Overlay = "overlay-1",
        Held = new HeldCredentials(null, null, "aaaa", null, Arrived),
        Life = new NodeLife { MachineId = "machine-1", Place = "nats://broker1:4222", IsMachineProven = true, FormerKeys = ["0ld"] },
    };

    private static readonly NodeSighting Own = new(
        "overlay-1", "nats://broker2:4222", "aaaa", CredentialStatus.Verified, "machine-1", null, Arrived.AddHours(1));

    [Fact]
    public void Judge_SaysNothing_WhenItIsTheNode() => Assert.IsType<SightingVerdict.Nothing>(SightingCheck.Judge(Enrolled, Own));

    [Fact]
    public void Judge_FindsAClone_WhenAnotherKeyIsUsed_AndNamesBothPlaces()
    {
        var detail = Clone(Own with { KeyFingerprint = "bbbb" });

        Assert.Contains("nats://broker2:4222", detail, StringComparison.Ordinal);
        Assert.Contains("nats://broker1:4222", detail, StringComparison.Ordinal);
        Assert.Contains("never enrolled with", detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_KnowsARevokedKey() =>
        Assert.Contains("revoked", Clone(Own with { KeyFingerprint = "0ld" }), StringComparison.Ordinal);

    [Fact]
    public void Judge_FindsAClone_WhenTheKeyIsUsedOnAnotherMachine()
    {
        var detail = Clone(Own with { MachineId = "machine-2" });

        Assert.Contains("machine-2 at nats://broker2:4222", detail, StringComparison.Ordinal);
        Assert.Contains("machine-1, which was seen at nats://broker1:4222", detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_QuarantinesNobody_ForEventsThatAnybodyCanForge()
    {
        var forged = Own with
        {
            KeyFingerprint = null,
            Standing = CredentialStatus.None,
            MachineId = null,
            OtherPlace = "a process that started yesterday"
        };
        var note = Assert.IsType<SightingVerdict.Note>(SightingCheck.Judge(Enrolled, forged));

        Assert.Contains("yesterday", note.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_QuarantinesNobody_ForARegistrationThatIsNotSigned()
    {
        var forged = Own with { KeyFingerprint = null, Standing = CredentialStatus.None, MachineId = "machine-2" };

        Assert.Contains(
            "machine-2", Assert.IsType<SightingVerdict.Note>(SightingCheck.Judge(Enrolled, forged)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_BelievesASignedMachine_ThoughAForgedOneWasRememberedFirst()
    {
        var forged = Own with { KeyFingerprint = null, Standing = CredentialStatus.None, MachineId = "machine-2", Place = "" };
        var fresh = Enrolled with { Life = new NodeLife() };
        var afterForgery = fresh with { Life = Assert.IsType<SightingVerdict.Remember>(SightingCheck.Judge(fresh, forged)).Life };
        var seen = Assert.IsType<SightingVerdict.Remember>(SightingCheck.Judge(afterForgery, Own)).Life;

        Assert.Equal(("machine-1", "nats://broker2:4222", true), (seen.MachineId, seen.Place, seen.IsMachineProven));
    }

    [Fact]
    public void Judge_QuarantinesNobody_ForAnOldMessageThatSomebodySendsAgain() => Assert.IsType<SightingVerdict.Note>(
        SightingCheck.Judge(Enrolled, Own with { KeyFingerprint = "0ld", Standing = CredentialStatus.Expired }));

    [Fact]
    public void Judge_SaysOnceInALife_WhateverTheParticulars()
    {
        var expired = Own with { Standing = CredentialStatus.Expired };
        var note = Assert.IsType<SightingVerdict.Note>(SightingCheck.Judge(Enrolled, expired));
        var noted = Enrolled.Noted(Arrived.AddHours(1), note.Detail);

        Assert.IsType<SightingVerdict.Nothing>(
            SightingCheck.Judge(noted, expired with { Place = "nats://broker3:4222", KeyFingerprint = "cccc" }));
        var enrolledAnew = noted with { Held = noted.Held! with { ArrivedAt = Arrived.AddHours(2) } };
        Assert.IsType<SightingVerdict.Note>(SightingCheck.Judge(enrolledAnew, expired with { At = Arrived.AddHours(3) }));
    }

    [Fact]
    public void Judge_SaysThatARetiredNodeIsStillThere() =>
        Assert.IsType<SightingVerdict.Note>(SightingCheck.Judge(Enrolled with { Stage = NodeStage.Gone }, Own));

    [Fact]
    public void Judge_SaysNothing_WhileTheNodeEnrols_OrOfTheLifeBeforeIt()
    {
        var stranger = Own with { KeyFingerprint = "bbbb" };

        Assert.IsType<SightingVerdict.Nothing>(SightingCheck.Judge(Enrolled with { Stage = NodeStage.Keyed }, stranger));
        Assert.IsType<SightingVerdict.Nothing>(SightingCheck.Judge(Enrolled, stranger with { At = Arrived }));
        Assert.False(SightingCheck.CanJudge(Enrolled with { Stage = NodeStage.Keyed }, stranger));
        Assert.False(SightingCheck.CanJudge(Enrolled, stranger with { At = Arrived }));
        Assert.True(SightingCheck.CanJudge(Enrolled, stranger));
    }

    [Fact]
    public void Judge_Remembers_WhatTheNodeShowsFirst()
    {
        var seen = Assert.IsType<SightingVerdict.Remember>(SightingCheck.Judge(Enrolled with { Life = new NodeLife() }, Own));

        Assert.Equal(("machine-1", "nats://broker2:4222"), (seen.Life.MachineId, seen.Life.Place));
    }

    [Fact]
    public void Renewed_KeepsTheKeysThatItHad_AndTakesAnotherMachine()
    {
        var life = Enrolled.Life.Renewed(Enrolled.Held);

        Assert.Equal(ImmutableList.Create("aaaa", "0ld"), life.FormerKeys);
        Assert.Null(life.MachineId);
    }

    [Fact]
    public void Of_AsksForAJudgement_OnlyWhenSomethingElseIsShown()
    {
        var heartbeats = new NodeHeartbeats("a");
        var first = Sightings.Of(heartbeats, Registration("aaaa"));
        Assert.NotNull(first);
        heartbeats.Sighting = first.Value.Digest;

        Assert.Null(Sightings.Of(heartbeats, Registration("aaaa")));
        Assert.NotNull(Sightings.Of(heartbeats, Registration("bbbb")));
    }

    [Theory]
    [InlineData("A A A", false)]
    [InlineData("A B B", false)]
    [InlineData("A B C", false)]
    [InlineData("A B A", true)]
    [InlineData("A A B B A", true)]
    public void Of_FindsTwoProcesses_OnlyWhenOneSpeaksAgainAfterAnother(string said, bool areTwo)
    {
        var heartbeats = new NodeHeartbeats("a");
        var last = said.Split(' ').Select(id => Sightings.Of(heartbeats, Alive(id))).ToList()[^1];

        Assert.Equal(areTwo, last?.Sighting.OtherPlace is not null);
    }

    private static string Clone(NodeSighting sighting) =>
        Assert.IsType<SightingVerdict.Cloned>(SightingCheck.Judge(Enrolled, sighting)).Detail;

    private static FleetEvent Registration(string key) => new(
        "a", FleetEventKind.Registration, "server", null, Arrived, Arrived, "overlay-1", 1, null,
        new NodeRegistration(null, "nats://broker1:4222", key, CredentialStatus.Verified));

    private static FleetEvent Alive(string id) => new("a", FleetEventKind.Alive, "server", "0.30.2", Arrived, Arrived, "overlay-1", 1, id);
}

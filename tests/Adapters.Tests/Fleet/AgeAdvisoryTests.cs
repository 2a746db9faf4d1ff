using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Fleet;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class AgeAdvisoryTests
{
    private static readonly DateTimeOffset Seen = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly LivenessAdvisory Late = new("n1.example.net", AdvisoryKind.Timeout, Seen, Seen.AddMinutes(40));

    [Fact]
    public void Write_HasTheFieldsOfTheCapturedAdvisory_InTheirOrderAndKinds()
    {
        var line = Captures.Lines("stream-replicator", "messages.jsonl").Single(line => (string)line["subject"]! == "NODE_DATA_ADVISORIES");
        var captured = JsonNode.Parse(Captures.PayloadOf(line))!.AsObject();
        var ours = JsonNode.Parse(AgeAdvisories.Write(Late, "overlay-1").Content)!.AsObject();

        Assert.Equal(
            captured.Select(
                field => (field.Key, field.Value!.GetValueKind())), ours.Select(field => (field.Key, field.Value!.GetValueKind())));
        Assert.Equal((string)captured["protocol"]!, (string)ours["protocol"]!);
        Assert.True(Ksuid.TryReadTime((string)ours["event_id"]!, out _));
    }

    [Fact]
    public void Write_SaysHowOldTheNodeIs_AndWhatHappened()
    {
        var ours = JsonNode.Parse(AgeAdvisories.Write(Late, "overlay-1").Content)!;

        Assert.Equal(("timeout", "n1.example.net", 2400L), ((string)ours["event"]!, (string)ours["value"]!, (long)ours["age"]!));
    }

    [Fact]
    public void Write_GivesTheSameAdvisoryTheSameId_AndAnotherAnother()
    {
        var id = AgeAdvisories.Write(Late, "overlay-1").Id;

        Assert.Equal(id, AgeAdvisories.Write(Late with { At = Late.At.AddSeconds(5) }, "overlay-1").Id);
        Assert.NotEqual(id, AgeAdvisories.Write(Late with { Kind = AdvisoryKind.Expire }, "overlay-1").Id);
        Assert.NotEqual(id, AgeAdvisories.Write(Late with { LastHeardAt = Seen.AddSeconds(1) }, "overlay-1").Id);
    }
}

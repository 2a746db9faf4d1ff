using System.Text;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Events of autonomous agents, as the specification of the wire shows them captured.</summary>
public sealed class MachineDecoderTests
{
    private const string Native =
        """
        {"protocol":"io.choria.machine.v1.transition","identity":"web1.example.net","id":"747faa0a-1862-4891-81e3-0888dc30af32",
         "version":"1.0.0","timestamp":1795369470,"machine":"check_x","transition":"OK","from_state":"UNKNOWN","to_state":"OK"}
        """;

    private static readonly DateTimeOffset Stored = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Theory]
    [InlineData("io.choria.machine.v1.transition", false)]
    [InlineData("io.choria.machine.v1.transition", true)]
    [InlineData("io.choria.machine.watcher.nagios.v1.state", false)]
    [InlineData("io.choria.machine.watcher.nagios.v1.state", true)]
    public void Decode_TellsTheNode_ItsOverlay_AndNothingThatEnrolmentActsOn(string protocol, bool isCloudEvent)
    {
        var json = Native.Replace("io.choria.machine.v1.transition", protocol, StringComparison.Ordinal);
        var decoded = Decode(isCloudEvent ? Wrap(json, protocol, "web1.example.net") : json);

        var heard = Assert.IsType<FleetEvent>(decoded.Payload);
        Assert.Equal(("web1.example.net", "web1.example.net"), (decoded.Identity, heard.Identity));
        Assert.Equal((FleetEventKind.Machine, "london", 7ul, Stored), (heard.Kind, heard.Network, heard.Sequence, heard.ReceivedAt));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1795369470), heard.OccurredAt);
        Assert.False(heard.IsOfLifecycle);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("not json", "")]
    [InlineData("{}", "")]
    [InlineData("\"identity\":\"web1.example.net\"", "\"identity\":\"\"")]
    [InlineData("machine.v1.transition", "lifecycle.v1.startup")]
    [InlineData("machine.v1.transition", "machine.watcher..v1.state")]
    [InlineData(",\"to_state\":\"OK\"", "")]
    [InlineData("1795369470", "9223372036854775807")]
    [InlineData("1795369470", "\"soon\"")]
    public void Decode_CallsPoison_WhatIsNoMachineEvent(string part, string instead)
    {
        var payload = instead.Length == 0 && !Native.Contains(part, StringComparison.Ordinal) || part.Length == 0
            ? part
            : Native.Replace(part, instead, StringComparison.Ordinal);

        Assert.StartsWith("not a machine event: ", Decode(payload).PoisonReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("io.choria.machine.v1.transition", "web2.example.net")]
    [InlineData("io.choria.machine.watcher.exec.v1.state", "web1.example.net")]
    public void Decode_CallsPoison_WhoseNamesDiffer(string type, string subject) =>
        Assert.NotNull(Decode(Wrap(Native, type, subject)).PoisonReason);

    private static string Wrap(string json, string type, string subject) =>
        $$"""{"specversion":"1.0","id":"f70c7193","source":"io.choria.machine","type":"{{type}}","subject":"{{subject}}","data":{{json}}}""";

    private static DecodedMessage Decode(string payload) => new MachineDecoder().Decode(new JetStreamMessage(
        MachineDecoder.SourceOf("london"), "choria.machine.transition", null, Encoding.UTF8.GetBytes(payload), 7, Stored));
}

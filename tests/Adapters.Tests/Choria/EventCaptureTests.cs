namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;

/// <summary>Events and registrations of the recorded traffic.</summary>
public sealed class EventCaptureTests
{
    // As in the specification: machine events were seen live but are not among the captures.
    private const string Transition =
        """
        {"specversion":"1.0","id":"f70c7193-e251-46c7-b7ab-1c80731b960d","source":"io.choria.machine",
         "type":"io.choria.machine.v1.transition","subject":"vm","time":"2026-11-22T17:44:30Z",
         "data":{"protocol":"io.choria.machine.v1.transition","identity":"vm","id":"747faa0a-1862-4891-81e3-0888dc30af32","version":"1.0.0",
         "timestamp":1795369470,"machine":"check_x","transition":"OK","from_state":"UNKNOWN","to_state":"OK"}}
        """;

    private const string Watcher =
        """
        {"specversion":"1.0","id":"8a3f751f-739b-4614-bdf7-c126f2f45435","source":"io.choria.machine",
         "type":"io.choria.machine.watcher.nagios.v1.state","subject":"vm","time":"2026-11-22T17:44:30Z",
         "data":{"protocol":"io.choria.machine.watcher.nagios.v1.state","identity":"vm","id":"747faa0a-1862-4891-81e3-0888dc30af32",
         "version":"1.0.0","timestamp":1795369470,"type":"nagios","machine":"check_x","name":"check","status":"OK","runtime":0.003112509}}
        """;

    [Fact]
    public void EveryCapturedLifecycleEvent_IsTheSameBytes_WhenWrittenAgain()
    {
        var (cloudEvents, native) = (0, 0);
        foreach (var message in Captures.AllMessages().Where(message => message.Kind.StartsWith("lifecycle", StringComparison.Ordinal)))
        {
            Assert.True(LifecycleEvent.TryDecode(message.Payload, out var decoded, out var fault), $"{message}: {fault}");
            Assert.Equal(message.Subject, decoded.Subject);
            var isNative = message.Kind.EndsWith("(native)", StringComparison.Ordinal);
            var written = isNative ? decoded.EncodeNative() : decoded.EncodeCloudEvent();
            Assert.Equal(Encoding.UTF8.GetString(message.Payload), Encoding.UTF8.GetString(written));
            (cloudEvents, native) = isNative ? (cloudEvents, native + 1) : (cloudEvents + 1, native);
        }

        Assert.Equal((139, 9), (cloudEvents, native));
    }

    [Theory]
    [InlineData("governor", "\"governor\":\"TEST\",\"sequence\":1,\"event_type\":\"enter\"")]
    [InlineData("upgraded", "\"version\":\"0.30.2\",\"new_version\":\"0.30.3\"")]
    public void TryDecode_ReadsEventsThatAreNotAmongTheCaptures(string type, string fields)
    {
        var common = "\"id\":\"9\",\"identity\":\"vm\",\"component\":\"CLI\",\"timestamp\":1795369587";
        var json = $"{{\"protocol\":\"io.choria.lifecycle.v1.{type}\",{common},{fields}}}";
        Assert.True(LifecycleEvent.TryDecode(Encoding.UTF8.GetBytes(json), out var decoded, out var fault), fault?.ToString());
        Assert.StartsWith($"choria.lifecycle.event.{type}.", decoded.Subject, StringComparison.Ordinal);
        Assert.Equal(json, Encoding.UTF8.GetString(decoded.EncodeNative()));
    }

    [Fact]
    public void TryDecode_ReadsTheOldNames()
    {
        var json = """{"protocol":"choria:lifecycle:startup:1","id":"1","identity":"vm","component":"server","timestamp":1}"""u8;

        Assert.True(LifecycleEvent.TryDecode(json, out var decoded, out _));
        Assert.Equal(LifecycleKind.Startup, decoded.Kind);
    }

    [Fact]
    public void TryDecode_Refuses_AnEventWhoseNamesDiffer()
    {
        var payload = Captures.Message("v2-issuer", 1).Payload;
        var json = JsonNode.Parse(payload)!;
        json["subject"] = "node2.example.net";

        Assert.False(LifecycleEvent.TryDecode(Encoding.UTF8.GetBytes(json.ToJsonString()), out _, out var fault));
        Assert.Equal((ChoriaLayer.LifecycleEvent, "subject"), (fault.Layer, fault.Field));
    }

    [Fact]
    public void TryDecode_ReadsMachineTransitions()
    {
        Assert.True(MachineEvent.TryDecode(Encoding.UTF8.GetBytes(Transition), out var decoded, out var fault), fault?.ToString());

        Assert.Equal(("vm", "check_x", "1.0.0"), (decoded.Identity, decoded.Machine, decoded.MachineVersion));
        Assert.Equal(1795369470, decoded.UnixSeconds);
        Assert.Equal(new MachineTransition("OK", "UNKNOWN", "OK"), decoded.Transition);
        Assert.Null(decoded.WatcherType);
    }

    [Fact]
    public void TryDecode_ReadsWatcherStates_InBothForms()
    {
        Assert.True(MachineEvent.TryDecode(Encoding.UTF8.GetBytes(Watcher), out var decoded, out var fault), fault?.ToString());
        Assert.True(MachineEvent.TryDecode(decoded.Json.Span, out var native, out fault), fault?.ToString());

        Assert.Equal(("vm", "nagios", "check"), (decoded.Identity, decoded.WatcherType, decoded.Watcher));
        Assert.Equal((decoded.Identity, decoded.WatcherType, decoded.Watcher), (native.Identity, native.WatcherType, native.Watcher));
        Assert.Equal("OK", JsonNode.Parse(decoded.Json.Span)!["status"]!.GetValue<string>());
    }

    [Fact]
    public void EveryCapturedRegistration_IsUnpacked_AndTheSameWhenPackedAgain()
    {
        var (files, inventories) = (0, 0);
        foreach (var message in Captures.Requests().Where(message => message.Kind.Contains("registration", StringComparison.Ordinal)))
        {
            Assert.True(ChoriaEnvelope.TryDecodeRequest(message.Payload, out var request, out _));
            Assert.Equal(RegistrationBody.Agent, request.Request.Agent);
            Assert.Equal(ChoriaSubjects.NoReply, request.Headers.ReplySubject);
            Assert.True(RegistrationBody.TryDecode(request.Request.Body, out var body, out var fault), $"{message}: {fault}");
            AssertRoundTrip(body, compress: true);
            AssertRoundTrip(body, compress: false);
            (files, inventories) = body is RegistrationBody.FileContent ? (files + 1, inventories) : (files, inventories + 1);
        }

        Assert.Equal((11, 14), (files, inventories));
    }

    [Fact]
    public void TryDecode_Refuses_ContentThatUnpacksToMoreThanTheCap()
    {
        var bomb = new RegistrationBody.FileContent("f", 1, false, new byte[1_000_000]).Encode();

        Assert.True(bomb.Length < 20_000);
        Assert.False(RegistrationBody.TryDecode(bomb, out _, out var fault, contentBytesMax: 999_999));
        Assert.Equal((ChoriaLayer.Registration, "zcontent"), (fault.Layer, fault.Field));
        Assert.True(RegistrationBody.TryDecode(bomb, out _, out _, contentBytesMax: 1_000_000));
    }

    private static void AssertRoundTrip(RegistrationBody body, bool compress)
    {
        Assert.True(RegistrationBody.TryDecode(body.Encode(compress), out var again, out var fault), fault?.ToString());
        Assert.Equal(Content(body), Content(again));
    }

    private static string Content(RegistrationBody body) => body switch
    {
        RegistrationBody.FileContent file =>
            $"{file.File} {file.ModifiedAtSeconds} {file.Updated} {Convert.ToHexString(file.Content.Span)}",
        RegistrationBody.InventoryContent inventory => Encoding.UTF8.GetString(inventory.Json.Span),
        _ => throw new ArgumentOutOfRangeException(nameof(body)),
    };
}

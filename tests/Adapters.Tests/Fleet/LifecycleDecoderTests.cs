using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class LifecycleDecoderTests
{
    private static readonly DateTimeOffset Stored = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Theory]
    [InlineData(LifecycleKind.Startup, FleetEventKind.Startup)]
    [InlineData(LifecycleKind.Shutdown, FleetEventKind.Shutdown)]
    [InlineData(LifecycleKind.Alive, FleetEventKind.Alive)]
    [InlineData(LifecycleKind.Provisioned, FleetEventKind.Provisioned)]
    [InlineData(LifecycleKind.Upgraded, FleetEventKind.Upgraded)]
    public void Decode_TellsTheNode_TheNetwork_AndItsPlaceInTheStream(LifecycleKind kind, FleetEventKind expected)
    {
        var decoded = Decode(Event(kind, ChoriaSubjects.ServerComponent).EncodeCloudEvent());

        var fleetEvent = Assert.IsType<FleetEvent>(decoded.Payload);
        Assert.Equal("web1.example.net", decoded.Identity);
        Assert.Equal((expected, "london", 7ul, Stored), (fleetEvent.Kind, fleetEvent.Network, fleetEvent.Sequence, fleetEvent.ReceivedAt));
    }

    /// <summary>On our own provisioning network, on our overlay's broker, and on another that carries our provisioning network.</summary>
    [Theory]
    [InlineData(FleetStreams.ProvisioningNetwork)]
    [InlineData("london")]
    [InlineData("york")]
    public void Decode_KnowsAnUnprovisionedNode_WhicheverStreamBringsItsEvent(string source)
    {
        var decoded = Decode(Event(LifecycleKind.Startup, ChoriaSubjects.ProvisioningComponent).EncodeCloudEvent(), source);

        Assert.Equal(FleetStreams.ProvisioningNetwork, Assert.IsType<FleetEvent>(decoded.Payload).Network);
    }

    [Fact]
    public void Decode_LeavesTheUnprovisionedNodesOfAnotherOverlay_ToItsSilos()
    {
        Assert.Null(Decode(Event(LifecycleKind.Startup, ChoriaSubjects.ProvisioningComponent).EncodeCloudEvent(), "paris").Payload);
        Assert.NotNull(Decode(Event(LifecycleKind.Startup, ChoriaSubjects.ServerComponent).EncodeCloudEvent(), "paris").Payload);
    }

    [Fact]
    public void Decode_LeavesUnprovisionedNodesAlone_WhereThereIsNoNetworkToCallThemOn()
    {
        var decoder = new LifecycleDecoder(new FleetOptions(), new OverlaysOptions { Local = "london" });

        Assert.Null(decoder.Decode(Message(Event(LifecycleKind.Startup, ChoriaSubjects.ProvisioningComponent).EncodeCloudEvent())).Payload);
        Assert.NotNull(decoder.Decode(Message(Event(LifecycleKind.Startup, ChoriaSubjects.ServerComponent).EncodeCloudEvent())).Payload);
    }

    [Fact]
    public void Decode_IgnoresWhatIsNoNode()
    {
        var decoded = Decode(Event(LifecycleKind.Startup, "provisioner").EncodeCloudEvent());

        Assert.Null(decoded.Payload);
        Assert.Null(decoded.PoisonReason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("{\"protocol\":\"io.choria.lifecycle.v1.startup\",\"id\":\"x\",\"identity\":\"\",\"component\":\"server\",\"timestamp\":1,\"version\":\"1\"}")]
    public void Decode_CallsPoison_WhatIsNoEventOfANode(string payload) =>
        Assert.NotNull(Decode(Encoding.UTF8.GetBytes(payload)).PoisonReason);

    private static LifecycleEvent Event(LifecycleKind kind, string component) => new()
    {
        Kind = kind,
        Id = "01e72410-d734-4611-9485-8c6a2dd2579b",
        Identity = "web1.example.net",
        Component = component,
        UnixSeconds = 1_700_000_000,
        Version = "0.29.4",
        NewVersion = "0.30.0",
    };

    private static DecodedMessage Decode(byte[] payload, string source = "london") => new LifecycleDecoder(
        new FleetOptions
        {
            Provisioning = new NetworkOptions { Urls = ["nats://york:4222"] },
            Overlays =
            {
                ["london"] = new NetworkOptions { Urls = ["nats://london:4222"] },
                ["york"] = new NetworkOptions { Urls = ["nats://York:4222", "nats://york-2:4222"] },
                ["paris"] = new NetworkOptions { Urls = ["nats://paris:4222"] },
            },
        },
        new OverlaysOptions { Local = "london" }).Decode(Message(payload, source));

    private static JetStreamMessage Message(byte[] payload, string source = "london") =>
        new(source, "choria.lifecycle.event.startup.server", null, payload, 7, Stored);
}

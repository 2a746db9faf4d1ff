using System.Diagnostics.Metrics;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Messages of Choria Submission as the source of an overlay reads them.</summary>
[Collection("what is counted of nodes' messages")]
public sealed class SubmissionDecoderTests : IDisposable
{
    private const string Node = "web1.example.net";

    private static readonly DateTimeOffset Stored = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly byte[] Payload = "half"u8.ToArray();

    private readonly Ed25519Key issuer = Ed25519Key.FromSeedHex(new string('7', 64));
    private readonly Ed25519Key node = Ed25519Key.FromSeedHex(new string('8', 64));
    private readonly NodeMessageMeter meter = new();
    private readonly MeterListener listener = new();
    private readonly List<string> outcomes = [];
    private readonly NodeTrust trust;

    private readonly NatsHeaders headers = new()
    {
        ["Choria-Identity"] = Node,
        ["Choria-Priority"] = "4",

        // Days ago: the node was cut off.
        ["Choria-Created"] = $"{UnixTime.Nanoseconds(Stored.AddDays(-6))}",
    };

    public SubmissionDecoderTests()
    {
        var provisioning = new ProvisioningOptions();
        provisioning.Issuers["choria"] = issuer.PublicKeyHex;
        trust = new NodeTrust(Options.Create(new FleetOptions()), Options.Create(provisioning));
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Name == "controlplane.submissions.read")
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => outcomes.Add($"{tags[0].Value}"));
        listener.Start();
    }

    public void Dispose()
    {
        listener.Dispose();
        trust.Dispose();
        meter.Dispose();
        issuer.Dispose();
        node.Dispose();
    }

    [Fact]
    public void Decode_TellsWhoIsAlive_FromWhenItWasPublished()
    {
        var decoded = Decode();

        var heard = Assert.IsType<FleetEvent>(decoded.Payload);
        Assert.Equal((Node, Node, FleetEventKind.Submission), (decoded.Identity, heard.Identity, heard.Kind));
        Assert.Equal(("london", 7ul, Stored, Stored), (heard.Network, heard.Sequence, heard.ReceivedAt, heard.OccurredAt));
        Assert.False(heard.IsOfLifecycle);
        Assert.Equal(["unsigned"], outcomes);
    }

    [Fact]
    public void Decode_HearsNobody_WhenTheSignatureIsOfAnother()
    {
        Sign(Node);
        Assert.NotNull(Decode().Payload);

        Sign("web2.example.net");
        var forged = Decode();

        Assert.Equal((null, null), (forged.Payload, forged.PoisonReason));
        Assert.Equal(["verified", "refused"], outcomes);
    }

    [Fact]
    public void Decode_CallsPoison_WhatNamesNoNode()
    {
        headers.Remove("Choria-Identity");
        Assert.Equal("not a submitted message: Submission.Choria-Identity is missing", Decode().PoisonReason);

        Assert.NotNull(Decode(withHeaders: false).PoisonReason);
        Assert.Equal(["unreadable", "unreadable"], outcomes);
    }

    private void Sign(string identity)
    {
        var claims = new ServerClaims
        {
            Identity = identity, Collectives = ["choria"], PublicKey = node.PublicKeyHex, OrganizationUnit = "choria",
        };
        headers["Choria-Token"] = TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromDays(365), Stored);
        headers["Choria-Signature"] = Convert.ToHexStringLower(node.Sign(Payload));
    }

    private DecodedMessage Decode(bool withHeaders = true) => new SubmissionDecoder(trust, meter).Decode(new JetStreamMessage(
        SubmissionDecoder.SourceOf("london"), "choria.submission.in.app.progress", withHeaders ? headers : null, Payload, 7, Stored));
}

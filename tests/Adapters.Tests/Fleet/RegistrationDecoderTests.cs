using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Registrations as real agents sent them, and as a real broker's data adapter would write them.</summary>
[Collection("what is counted of nodes' messages")]
public sealed class RegistrationDecoderTests : IDisposable
{
    private const string Subject = "mcollective.broadcast.agent.registration";

    private readonly NodeMessageMeter meter = new();
    private readonly KeptLog log = new();

    [Fact]
    public void Decode_BelievesAV2Node_ByTheTokenInItsRegistration()
    {
        var heard = Heard(DecodeCaptured("v2-plain-nats"));
        var registration = heard.Registration!;

        Assert.Equal(("node1.example.net", "overlay-1", FleetEventKind.Registration), (heard.Identity, heard.Network, heard.Kind));
        Assert.Equal((CredentialStatus.Verified, "nats://127.0.0.1:4222"), (registration.Standing, registration.Place));
        Assert.Equal("733aa3c2ef5b553d26d7dc29888b8336ea801942eec304710721c6501f584a56", registration.KeyFingerprint);
        Assert.Contains("rpcutil", registration.Inventory!.Agents);
        Assert.Equal("0.30.2", registration.Inventory.Version);
        Assert.Contains("Debian", Encoding.UTF8.GetString(registration.Inventory.FactsJson.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_BelievesAV1Node_ByItsCertificate()
    {
        var registration = Heard(DecodeCaptured("v1-plain-nats")).Registration!;

        Assert.Equal(
            (CredentialStatus.Verified, InventorySource.RegisteredFile), (registration.Standing, registration.Inventory!.Source));
        Assert.Matches("^[0-9a-f]{64}$", registration.KeyFingerprint);
        Assert.Contains("XYZ789", Encoding.UTF8.GetString(registration.Inventory.FactsJson.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_TakesAnExpiredToken_ForASignOfLife_AndNothingMore()
    {
        using var issuer = Ed25519Key.FromSeedHex(new string('7', 64));
        using var node = Ed25519Key.FromSeedHex(new string('8', 64));
        var issued = DateTimeOffset.UnixEpoch.AddDays(20_000);
        var token = TokenOf(node, issuer, issued);
        var late = issued.AddYears(3);
        var payload = Register(node, token, late);
        var provisioning = new ProvisioningOptions { Issuers = { ["choria"] = issuer.PublicKeyHex } };

        var registration = Heard(Decoder(new FleetOptions(), provisioning).Decode(Message(payload, late))).Registration!;

        Assert.Equal((CredentialStatus.Expired, node.PublicKeyHex), (registration.Standing, registration.KeyFingerprint));
        Assert.Null(registration.Inventory);
    }

    [Fact]
    public void Decode_BelievesNobody_WhoSignsWithAnotherKey()
    {
        var (payload, at) = Captured("v2-plain-nats");
        var text = Encoding.UTF8.GetString(payload);
        var transport = JsonNode.Parse(text)!;
        var secure = JsonNode.Parse(Convert.FromBase64String((string)transport["data"]!))!;
        secure["signature"] = Convert.ToBase64String(new byte[64]);
        transport["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(secure.ToJsonString()));

        Assert.Equal(DecodedMessage.Ignore, Decoder("v2-plain-nats").Decode(Message(Encoding.UTF8.GetBytes(transport.ToJsonString()), at)));
    }

    [Fact]
    public void Decode_IgnoresNodesInProvisioningMode()
    {
        var (payload, at) = Captured("v1-x509", "provisioning.registration.data");

        Assert.Equal(DecodedMessage.Ignore, Decoder("v1-plain-nats").Decode(Message(payload, at)));
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{\"protocol\":\"com.example.my_plugin\",\"content\":\"e30=\"}")]
    [InlineData("{\"protocol\":\"choria:registration:inventorycontent:1\",\"zcontent\":\"e30=\"}")]
    [InlineData("{\"protocol\":\"choria:registration:filecontent:1\",\"content\":\"W10=\"}")]
    public void Decode_HearsANode_WhoseContentCannotBeKept_AndTellsItOnce(string body)
    {
        var decoder = SignedDecoder(Encoding.UTF8.GetBytes(body), out var message);

        var heard = Heard(decoder.Decode(message));
        Assert.Equal(("node1.example.net", CredentialStatus.Verified), (heard.Identity, heard.Registration!.Standing));
        Assert.Null(heard.Registration.Inventory);

        decoder.Decode(message);
        Assert.Single(log.Text.Split('\n'), line => line.Contains("node1.example.net is heard", StringComparison.Ordinal));
    }

    [Fact]
    public void Decode_KeepsWhatANodeSays_ThoughItsTextIsBroken()
    {
        byte[] facts = [.. "{\"country\":\"uk\",\"town\":\"K"u8, 0xf6, .. "ln\",\"half\":\"\\ud800\"}"u8];
        var file = SignedDecoder(new RegistrationBody.FileContent("facts.json", 0, true, facts).Encode(), out var message);
        Assert.Contains(
            "\"country\":\"uk\"",
            Encoding.UTF8.GetString(Heard(file.Decode(message)).Registration!.Inventory!.FactsJson.Span),
            StringComparison.Ordinal);

        byte[] inventory = [.. "{\"agents\":[{\"name\":\"rpcutil\"}],\"facts\":"u8, .. facts, .. "}"u8];
        var full = SignedDecoder(new RegistrationBody.InventoryContent(inventory).Encode(compress: false), out message);
        Assert.Equal(["rpcutil"], Heard(full.Decode(message)).Registration!.Inventory!.Agents);
        Assert.Empty(log.Text);
    }

    [Theory]
    [InlineData("choria_streams")]
    [InlineData("jetstream")]
    [InlineData("natsstream")]
    public void Decode_ReadsWhatADataAdapterWrote_OnTheSubjectsOfAdaptersAlone(string adapter)
    {
        var body = new RegistrationBody.InventoryContent("""{"facts":{"country":"uk"},"agents":[{"name":"rpcutil"}]}"""u8.ToArray())
            .Encode();
        var output = new JsonObject
        {
            ["protocol"] = $"choria:adapters:{adapter}:output:1",
            ["data"] = Encoding.UTF8.GetString(body),
            ["sender"] = "node7.example.net",
            ["time"] = "2026-11-22T17:38:00Z",
        };

        var payload = Encoding.UTF8.GetBytes(output.ToJsonString());
        var at = DateTimeOffset.UnixEpoch.AddDays(20_000);
        var adapted = new JetStreamMessage(
            RegistrationDecoder.SourceOf("overlay-1"), "choria.node_metadata.node7.example.net", null, payload, 1, at);

        var heard = Heard(Decoder("v2-plain-nats").Decode(adapted));

        Assert.Equal(("node7.example.net", CredentialStatus.None), (heard.Identity, heard.Registration!.Standing));
        Assert.Equal(["rpcutil"], heard.Registration.Inventory!.Agents);
        Assert.Equal("node7.example.net", RegistrationDecoder.SignOrNull(adapted)?.Identity);

        // Any node of the overlay may publish there, in any name.
        var forged = Message(payload, at);
        var refused = Decoder("v2-plain-nats").Decode(forged);
        Assert.Null(refused.Payload);
        Assert.Contains("forged", refused.PoisonReason, StringComparison.Ordinal);
        Assert.Null(RegistrationDecoder.SignOrNull(forged));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"protocol\":\"choria:adapters:choria_streams:output:1\",\"data\":\"{}\",\"sender\":\"\"}")]
    public void Decode_CallsPoison_WhatIsNoRegistration(string payload) =>
        Assert.NotNull(Decoder("v2-plain-nats").Decode(Message(Encoding.UTF8.GetBytes(payload), DateTimeOffset.UnixEpoch)).PoisonReason);

    public void Dispose() => meter.Dispose();

    private static FleetEvent Heard(DecodedMessage decoded) => Assert.IsType<FleetEvent>(decoded.Payload);

    private static JetStreamMessage Message(byte[] payload, DateTimeOffset storedAt) =>
        new(RegistrationDecoder.SourceOf("overlay-1"), Subject, null, payload, 1, storedAt);

    private static (byte[] Payload, DateTimeOffset At) Captured(string folder, string subject = Subject)
    {
        var line = Captures.Lines(folder, "messages.jsonl").First(line => (string)line["subject"]! == subject);
        return (Captures.PayloadOf(line), DateTimeOffset.Parse((string)line["ts"]!, CultureInfo.InvariantCulture));
    }

    private static string TokenOf(Ed25519Key node, Ed25519Key issuer, DateTimeOffset issued)
    {
        var claims = new ServerClaims
        {
            Identity = "node1.example.net", Collectives = ["choria"], PublicKey = node.PublicKeyHex, OrganizationUnit = "choria",
        };
        return TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromDays(365), issued);
    }

    /// <summary>A decoder, and a registration that it believes whatever its body holds.</summary>
    private RegistrationDecoder SignedDecoder(byte[] body, out JetStreamMessage message)
    {
        using var issuer = Ed25519Key.FromSeedHex(new string('7', 64));
        using var node = Ed25519Key.FromSeedHex(new string('8', 64));
        var at = DateTimeOffset.UnixEpoch.AddDays(20_000);
        message = Message(Register(node, TokenOf(node, issuer, at.AddDays(-1)), at, body), at);
        return Decoder(new FleetOptions(), new ProvisioningOptions { Issuers = { ["choria"] = issuer.PublicKeyHex } });
    }

    private static byte[] Register(Ed25519Key key, string token, DateTimeOffset at, byte[]? body = null) => ChoriaEnvelope.EncodeRequest(
        new ChoriaRequest
        {
            Protocol = ChoriaProtocol.V2,
            Id = RequestId.New(ChoriaProtocol.V2, at),
            Sender = "node1.example.net",
            Caller = "node1.example.net",
            Collective = "choria",
            Agent = RegistrationBody.Agent,
            UnixNanoseconds = UnixTime.Nanoseconds(at),
            Body = body ?? new RegistrationBody.InventoryContent("{\"facts\":{}}"u8.ToArray()).Encode(),
        },
        new TransportHeaders(ChoriaSubjects.NoReply, "node1.example.net"),
        RequestSigner.WithToken(key, token));

    private DecodedMessage DecodeCaptured(string folder)
    {
        var (payload, at) = Captured(folder);
        return Decoder(folder).Decode(Message(payload, at));
    }

    private RegistrationDecoder Decoder(string folder)
    {
        var keys = Path.Combine(Captures.Root, folder, "keys");
        var fleet = new FleetOptions();
        fleet.Overlays["overlay-1"] =
            new NetworkOptions { NodeCaFile = File.Exists(Path.Combine(keys, "ca.pem")) ? Path.Combine(keys, "ca.pem") : null };
        var provisioning = new ProvisioningOptions();
        if (File.Exists(Path.Combine(keys, "issuer.public")))
        {
            provisioning.Issuers["choria"] = File.ReadAllText(Path.Combine(keys, "issuer.public")).Trim();
        }

        return Decoder(fleet, provisioning);
    }

    private RegistrationDecoder Decoder(FleetOptions fleet, ProvisioningOptions provisioning) => new(
        new NodeTrust(Options.Create(fleet), Options.Create(provisioning)),
        Options.Create(new InventoryOptions()),
        meter,
        new RejectedRegistrations(new LoggerFactory([log]).CreateLogger<RejectedRegistrations>()));
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;
using ControlPlane.FleetSimulator.Tokens;
using SimulatedAgent = ControlPlane.FleetSimulator.Agents.ProvisionAgent;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>What the captures do not show: refusals of <c>choria_provision</c> and what they leave behind.</summary>
public sealed class ProvisionAgentTests
{
    private const string GoodConfiguration = """{"identity":"node1.example.net","plugin.choria.server.provision":"false"}""";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 18, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Lock_IsTakenByAWrongTokenToo_AndFreesItselfAfterTwoMinutes()
    {
        var wrong = Ask(View(), "jwt", new JsonObject { ["token"] = "guess" }, caller: "intruder");
        var locked = View() with { Process = wrong.Process! };

        Assert.Equal("Incorrect provision token supplied", wrong.Reply!.Message);
        Assert.Equal("Could not obtain provisioning lock", Ask(locked, "jwt", Token()).Reply!.Message);
        Assert.Equal(AgentStatus.Ok, Ask(locked with { Now = Now.AddMinutes(2) }, "jwt", Token()).Reply!.Status);
    }

    [Fact]
    public void Inputs_AreRefusedInGosWords_WhenTheirTypeIsWrong()
    {
        var reply = Ask(View(), "gen25519", new JsonObject { ["token"] = "s3cret", ["nonce"] = 5 }).Reply!;

        Assert.Equal(AgentStatus.InvalidData, reply.Status);
        Assert.Equal(
            "Could not parse request data for choria_provision#gen25519: "
                + "json: cannot unmarshal number into Go struct field ED25519Request.nonce of type string",
            reply.Message);
    }

    [Theory]
    [InlineData("", "Did not receive any configuration to write, cannot write a empty configuration file")]
    [InlineData("""{"ttl":15}""", "Could not decode configuration data: json: cannot unmarshal number into Go value of type string")]
    [InlineData("[]", "Could not decode configuration data: json: cannot unmarshal array into Go value of type map[string]string")]
    public void Configure_IsRefused_WhenTheConfigurationIsNotAFlatMapOfTexts(string configuration, string message)
    {
        var reaction = Ask(View(), "configure", Configure(configuration));

        Assert.Equal(message, reaction.Reply!.Message);
        Assert.Null(reaction.Files);
        Assert.Null(reaction.Event);
    }

    [Fact]
    public void Configure_ReplacesTheConfiguration_EvenWhenAPolicyIsRefused()
    {
        var inputs = Configure(GoodConfiguration);
        inputs["action_policies"] = new JsonObject { ["rpcutil.txt"] = "policy default allow" };

        var reaction = Ask(View(), "configure", inputs);

        Assert.StartsWith("Could not save Action Policies:", reaction.Reply!.Message, StringComparison.Ordinal);
        Assert.NotNull(reaction.Files!.Configuration);
        Assert.Null(reaction.Event);
    }

    [Fact]
    public void Configure_OpensThePrivateKey_ThatWasEncryptedForTheLastJwt()
    {
        using var key = RSA.Create(2048);
        using var provisioner = NodeKeyExchange.Generate();
        var told = Ask(View(), "jwt", Token());
        var nodeKey = JsonNode.Parse(told.Reply!.Data.Span)!["ecdh_public"]!.GetValue<string>();
        var inputs = Configure(GoodConfiguration);
        inputs["certificate"] = "-----BEGIN CERTIFICATE-----";
        inputs["ca"] = "-----BEGIN CERTIFICATE-----";
        inputs["ssldir"] = "/etc/choria/ssl";
        inputs["key"] = provisioner.EncryptKey(key, nodeKey);
        inputs["ecdh_public"] = provisioner.PublicKeyHex;

        var reaction = Ask(View() with { Process = told.Process! }, "configure", inputs);

        Assert.Equal("OK", reaction.Reply!.Message);
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), reaction.Files!.PrivateKey!.PublicKeyInfo);
    }

    [Fact]
    public void Actions_AreSwallowed_WhileTheNodeLeaves()
    {
        var leaving = View() with { Process = View().Process with { IsLeaving = true } };

        Assert.Null(Ask(leaving, "jwt", Token()).Reply);
    }

    [Theory]
    [InlineData("jwt", "Cannot reconfigure a server that is not in provisioning mode")]
    [InlineData("configure", "Cannot reconfigure a server that is not in provisioning mode")]
    [InlineData("release_update", "Cannot update a server that is not in provisioning mode")]
    public void Actions_AreRefused_WhenTheNodeIsProvisioned(string action, string message)
    {
        var provisioned = View() with { Process = View().Process with { IsProvisioning = false } };

        Assert.Equal(message, Ask(provisioned, action, Token()).Reply!.Message);
    }

    [Fact]
    public void Start_GoesBackToProvisioning_WhenTheServerTokenIsOfAnotherKey()
    {
        var files = Ask(View(), "gen25519", Token()).Files! with
        {
            ServerToken = $"e30.{Convert.ToBase64String("{\"public_key\":\"other\",\"exp\":9999999999}"u8).TrimEnd('=')}.e30",
            Configuration = NodeConfiguration.From(new Dictionary<string, string>
            {
                ["plugin.security.provider"] = "choria",
                ["plugin.choria.server.provision"] = "false",
            }),
        };

        var decision = StartDecision.Take(View().Profile, files, Now);

        Assert.Null(Assert.IsType<StartDecision.Provision>(decision).Files.Seed);
    }

    [Fact]
    public void Start_Fails_WhenTheCertificateIsOfAnotherKey()
    {
        using var key = RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=node1.example.net", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(Now, Now.AddDays(1));
        var settings = new Dictionary<string, string> { ["plugin.choria.server.provision"] = "false" };
        var files = new NodeFiles
        {
            Configuration = NodeConfiguration.From(settings),
            Certificate = certificate.ExportCertificatePem(),
            PrivateKey = NodeKey.Generate(2048),
        };

        var decision = StartDecision.Take(View().Profile, files, Now);

        Assert.Equal("tls: private key does not match public key", Assert.IsType<StartDecision.Exit>(decision).Reason);
    }

    private static Reaction Ask(NodeView node, string action, JsonObject inputs, string caller = "provisioner")
    {
        using var data = JsonDocument.Parse(inputs.ToJsonString());
        return SimulatedAgent.Answer(
            new AgentCall(SimulatedAgent.Name, action, data.RootElement, "request1", "host.example.net", caller), node);
    }

    private static JsonObject Token() => new() { ["token"] = "s3cret" };

    private static JsonObject Configure(string configuration) => new() { ["token"] = "s3cret", ["config"] = configuration };

    private static NodeView View() => new(
        new NodeProfile(
            "node1.example.net",
            ChoriaProtocol.V2,
            new ProvisioningToken("token", "s3cret", "nats://127.0.0.1:4222", null, null, AllowsUpdate: false),
            SimulatedFault.None,
            Encoding.UTF8.GetBytes("{}"),
            "/etc/choria"),
        NodeFiles.Empty,
        new NodeProcess { IsProvisioning = true, Collectives = ["provisioning"], StartedAt = Now },
        Now,
        new Random(1),
        new RsaKeyMaker());
}

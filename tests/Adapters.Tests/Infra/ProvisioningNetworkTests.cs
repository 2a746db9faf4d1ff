using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Infra;

/// <summary>What <c>infra/nats/provisioning.conf</c> lets whom do, on the nats-server of the distribution.</summary>
public sealed class ProvisioningNetworkTests
{
    private static readonly object Agent = new
    {
        auth_token = "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        user = "unprovisioned",
        pass = NatsNetwork.UnprovisionedPassword,
        name = "node1.example.net",
        verbose = false,
        headers = true,
        no_responders = true,
        tls_required = true,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("provisioning.node.node1.example.net")]
    [InlineData("provisioning.broadcast.agent.discovery")]
    [InlineData("provisioning.broadcast.agent.rpcutil")]
    [InlineData("provisioning.broadcast.agent.choria_util")]
    [InlineData("provisioning.broadcast.agent.choria_provision")]
    public async Task Subscribe_IsAllowed_WhereAnAgentListens(string subject)
    {
        await using var network = await NatsNetwork.StartAsync("provisioning.conf", Token);
        await using var agent = await AgentConnection.OpenAsync(network.Server.Port, Agent, Token);

        Assert.Null(agent.LoginFault);
        Assert.Null(await agent.SubscribeAsync(subject, Token));
    }

    [Fact]
    public async Task Subscribe_IsRefused_EverywhereElse()
    {
        await using var network = await NatsNetwork.StartAsync("provisioning.conf", Token);
        await using var agent = await AgentConnection.OpenAsync(network.Server.Port, Agent, Token);

        string[] subjects =
        [
            ">", "provisioning.>", "provisioning.reply.>", "provisioning.reply.0123.abcd", "choria.lifecycle.>", "_INBOX.>", "$JS.>",
            "$SYS.>",
            "choria.node.node1.example.net", "provisioning.broadcast.agent.>", "provisioning.registration.data",
        ];
        foreach (var subject in subjects)
        {
            Assert.Contains("Permissions Violation", await agent.SubscribeAsync(subject, Token), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Publish_IsAllowed_ForEventsRepliesAndRegistration_AndRefusedElse()
    {
        await using var network = await NatsNetwork.StartAsync("provisioning.conf", Token);
        await using var agent = await AgentConnection.OpenAsync(network.Server.Port, Agent, Token);

        Assert.Null(await agent.PublishAsync("choria.lifecycle.event.startup.provision_mode_server", Token));
        Assert.Null(await agent.PublishAsync("provisioning.reply.0123.abcd", Token));
        Assert.Null(await agent.PublishAsync("provisioning.registration.data", Token));
        string[] subjects =
        [
            "provisioning.node.node2.example.net", "provisioning.broadcast.agent.discovery", "choria.node.node2.example.net",
            "$JS.API.STREAM.DELETE.CHORIA_EVENTS", "$JS.API.INFO", "choria.machine.transition",
        ];
        foreach (var subject in subjects)
        {
            Assert.Contains("Permissions Violation", await agent.PublishAsync(subject, Token), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Connect_IsRefused_WithoutTheUserOfTheToken()
    {
        await using var network = await NatsNetwork.StartAsync("provisioning.conf", Token);
        await using var nobody = await AgentConnection.OpenAsync(network.Server.Port, new { auth_token = "x", name = "n" }, Token);
        await using var guest = await AgentConnection.OpenAsync(network.Server.Port, new { user = "unprovisioned", pass = "guess" }, Token);

        Assert.Contains("Authorization Violation", nobody.LoginFault, StringComparison.Ordinal);
        Assert.Contains("Authorization Violation", guest.LoginFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Provisioner_HearsAgents_AndKeepsTheirEventsInAStream()
    {
        await using var network = await NatsNetwork.StartAsync("provisioning.conf", Token);
        await using var provisioner = new NatsConnection(new NatsOpts
        {
            Url = network.Server.Url,
            AuthOpts = new NatsAuthOpts { Username = "provisioner", Password = NatsNetwork.ProvisionerPassword },
            TlsOpts = new NatsTlsOpts { CaFile = network.Pki.AuthorityPath, Mode = TlsMode.Require },
        });
        var context = new NatsJSContext(provisioner);
        var stream = await context.CreateStreamAsync(new StreamConfig("CHORIA_EVENTS", ["choria.lifecycle.>"]), Token);
        await using var agent = await AgentConnection.OpenAsync(network.Server.Port, Agent, Token);

        await agent.PublishAsync("choria.lifecycle.event.startup.provision_mode_server", Token);

        await stream.RefreshAsync(Token);
        Assert.Equal(1, stream.Info.State.Messages);
    }
}

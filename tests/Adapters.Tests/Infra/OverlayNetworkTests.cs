using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Tests.Infra;

/// <summary>What <c>infra/nats/overlay-v1.conf</c> and <c>overlay-v2.conf</c> let whom do.</summary>
public sealed class OverlayNetworkTests
{
    private const string V1 = "overlay-v1.conf";
    private const string V2 = "overlay-v2.conf";

    private static readonly object AgentV1 = new { name = "node1.example.net", verbose = false, headers = true, no_responders = true };

    private static readonly object AgentV2 = new
    {
        auth_token = "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        jwt = "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        sig = "c2ln",
        user = "node",
        pass = NatsNetwork.NodePassword,
        name = "node1.example.net",
        verbose = false,
        headers = true,
        no_responders = true,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(V1)]
    [InlineData(V2)]
    public async Task ANode_DoesWhatAgentsDo_AndNoMore(string configuration)
    {
        await using var network = await NatsNetwork.StartAsync(configuration, Token);
        await using var node = await NodeAsync(network, configuration);

        Assert.Null(node.LoginFault);
        string[] heard = ["choria.broadcast.agent.rpcutil", "choria.node.node1.example.net"];
        string[] said = ["choria.lifecycle.event.startup.server", "choria.reply.0123.abcd", "choria.broadcast.agent.registration"];
        string[] deaf = [">", "choria.reply.>", "choria.lifecycle.>", "_INBOX.>", "$JS.>"];
        string[] dumb = ["choria.node.node2.example.net", "choria.broadcast.agent.rpcutil", "$JS.API.STREAM.DELETE.CHORIA_EVENTS"];
        foreach (var subject in heard)
        {
            Assert.Null(await node.SubscribeAsync(subject, Token));
        }

        foreach (var subject in said)
        {
            Assert.Null(await node.PublishAsync(subject, Token));
        }

        foreach (var subject in deaf)
        {
            Assert.Contains("Permissions Violation", await node.SubscribeAsync(subject, Token), StringComparison.Ordinal);
        }

        foreach (var subject in dumb)
        {
            Assert.Contains("Permissions Violation", await node.PublishAsync(subject, Token), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Connect_IsRefusedByV1_WithoutACertificateOfTheNodesCa()
    {
        await using var network = await NatsNetwork.StartAsync(V1, Token);

        // TLS 1.3 lets the client finish before the server has looked at its certificate: the refusal shows at the first read.
        string? fault;
        try
        {
            await using var stranger = await AgentConnection.OpenAsync(network.Server.Port, AgentV1, Token);
            fault = stranger.LoginFault;
        }
        catch (AuthenticationException refused)
        {
            fault = refused.Message;
        }

        Assert.NotNull(fault);
    }

    [Fact]
    public async Task Connect_IsRefusedByV2_WithTheTokenAlone()
    {
        await using var network = await NatsNetwork.StartAsync(V2, Token);
        var token = new { auth_token = "x", jwt = "x", sig = "c2ln" };
        await using var stranger = await AgentConnection.OpenAsync(network.Server.Port, token, Token);

        Assert.Contains("Authorization Violation", stranger.LoginFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task V2_OffersANonce_ThatAgentsSign()
    {
        await using var network = await NatsNetwork.StartAsync(V2, Token);
        await using var node = await NodeAsync(network, V2);

        Assert.NotNull(node.Nonce);
    }

    [Theory]
    [InlineData(V1)]
    [InlineData(V2)]
    public async Task TheControlPlane_HasAllRights_AndJetStream(string configuration)
    {
        await using var network = await NatsNetwork.StartAsync(configuration, Token);
        var certificate = configuration == V1 ? network.Pki.ClientCertificate("controlplane") : null;
        await using var connection = new NatsConnection(new NatsOpts
        {
            Url = network.Server.Url,
            AuthOpts = new NatsAuthOpts { Username = "controlplane", Password = NatsNetwork.ControlPlanePassword },
            TlsOpts = new NatsTlsOpts
            {
                CaFile = network.Pki.AuthorityPath,
                CertFile = certificate?.CertificatePath,
                KeyFile = certificate?.KeyPath,
                Mode = TlsMode.Require,
            },
        });

        var account = await new NatsJSContext(connection).GetAccountInfoAsync(Token);

        Assert.Equal(0, account.Streams);
    }

    private static async Task<AgentConnection> NodeAsync(NatsNetwork network, string configuration)
    {
        if (configuration == V2)
        {
            return await AgentConnection.OpenAsync(network.Server.Port, AgentV2, Token);
        }

        var files = network.Pki.ClientCertificate("node1.example.net");
        using var pem = X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath);
        return await AgentConnection.OpenAsync(network.Server.Port, AgentV1, Token, pem);
    }
}

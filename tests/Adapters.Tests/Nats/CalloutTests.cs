using System.Security.Cryptography.X509Certificates;
using System.Text;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Adapters.Tests.Infra;
using ControlPlane.TestKit;
using NATS.NKeys;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Whether real servers ask as we read and believe what we write.</summary>
public sealed class CalloutTests
{
    private const bool Oldest = false;
    private const bool Newest = true;

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_795_920_000);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Oldest, false)]
    [InlineData(Oldest, true)]
    [InlineData(Newest, false)]
    [InlineData(Newest, true)]
    public async Task TheServer_AsksWithAllOfConnect_AndTakesTheGrant(bool newest, bool encrypted)
    {
        var grant = new UserGrant("CHORIA", "node:web1")
        {
            Publish = new SubjectLists { Allow = ["allowed.>"], Deny = ["allowed.not"] },
            Subscribe = new SubjectLists { Allow = ["heard.>"] },
        };
        await using var world = await CalloutWorld.StartAsync(newest, _ => grant, encrypted, verifiesClients: true);
        var files = world.Pki.ClientCertificate("web1");
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath);

        await using var node = await AgentConnection.OpenAsync(
            world.Server.Port,
            new { auth_token = "token", jwt = "jwt", sig = "c2ln", user = "user", pass = "pass", name = "web1", version = "1.2.3" },
            Token,
            certificate);

        Assert.Null(node.LoginFault);
        Assert.Null(await node.PublishAsync("allowed.yes", Token));
        Assert.Contains("Permissions Violation", await node.PublishAsync("allowed.not", Token), StringComparison.Ordinal);
        Assert.Contains("Permissions Violation", await node.PublishAsync("other", Token), StringComparison.Ordinal);
        Assert.Null(await node.SubscribeAsync("heard.this", Token));
        Assert.Contains("Permissions Violation", await node.SubscribeAsync("other", Token), StringComparison.Ordinal);

        var asked = Assert.Single(world.Asked);
        Assert.Equal(("token", "c2ln"), (asked.Connect.Token, asked.Connect.Signature));
        Assert.Equal(("user", "pass", "web1"), (asked.Connect.User, asked.Connect.Password, asked.Connect.Name));
        Assert.Equal("1.2.3", asked.Connect.Version);
        Assert.Equal(("127.0.0.1", "Client", "nats"), (asked.Client.Host, asked.Client.Kind, asked.Client.Type));
        Assert.NotEmpty(asked.Client.Nonce!);
        Assert.Equal(2, Assert.Single(asked.Tls!.VerifiedChains).Count);
        Assert.Equal(CalloutWorld.ServerName, asked.Server.Name);
    }

    [Theory]
    [InlineData(Oldest, false)]
    [InlineData(Newest, true)]
    public async Task TheServer_EndsARefusedConnection_AndLogsWhy(bool newest, bool encrypted)
    {
        await using var world = await CalloutWorld.StartAsync(newest, _ => null, encrypted);

        await using var node = await AgentConnection.OpenAsync(world.Server.Port, new { name = "web1" }, Token);

        Assert.Contains("Authorization Violation", node.LoginFault, StringComparison.Ordinal);
        await Readiness.UntilAsync(
            _ => Task.FromResult(world.Server.Output.Contains("web1 is not welcome", StringComparison.Ordinal)),
            "the reason in the server's log",
            Token,
            () => world.Server.Output);
    }

    [Theory]
    [InlineData(Oldest)]
    [InlineData(Newest)]
    public async Task TheServer_EndsAConnection_WhenItsGrantDoes(bool newest)
    {
        await using var world = await CalloutWorld.StartAsync(
            newest, _ => new UserGrant("CHORIA", "node:web1") { NotAfter = TimeProvider.System.GetUtcNow().AddSeconds(2) });

        await using var node = await AgentConnection.OpenAsync(world.Server.Port, new { name = "web1" }, Token);

        Assert.Null(node.LoginFault);
        Assert.Contains("User Authentication Expired", await node.UntilClosedAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatNoServerAsked_IsNotRead()
    {
        using var keys = new CalloutKeys(KeyPair.CreatePair(PrefixByte.Account).GetSeed());
        using var server = KeyPair.CreatePair(PrefixByte.Server);
        using var other = KeyPair.CreatePair(PrefixByte.Server);
        using var user = KeyPair.CreatePair(PrefixByte.User);
        var asked = new AuthorizationRequest(
            new CalloutServer(server.GetPublicKey(), "n1", null),
            user.GetPublicKey(),
            new CalloutClient(7, null, null, null, null),
            new CalloutConnect(),
            null);

        Assert.Null(Read(Write(asked, server)).Fault);
        Assert.Equal(asked.UserNkey, Read(Write(asked, server)).Request?.UserNkey);
        Assert.Contains("not signed by the server", Read(Write(asked, other)).Fault, StringComparison.Ordinal);
        Assert.Contains("its issuer is no Server", Read(Write(asked, user)).Fault, StringComparison.Ordinal);
        Assert.Contains("audience", Read(Write(asked, server, audience: "else")).Fault, StringComparison.Ordinal);
        Assert.Contains("signature", Read(Write(asked, server)[..^4] + "AAAA").Fault, StringComparison.Ordinal);
        Assert.False(keys.TryRead(Encoding.ASCII.GetBytes(Write(asked, server)), "X", out _, out var fault));
        Assert.Contains("no key to read it", fault, StringComparison.Ordinal);
        string[] unreadable = ["", "a.b", "a.b.c", "...", "e30.e30.e30", "bnVsbA.bnVsbA.", $"{Write(asked, server)}.x", "\ud800.é.\0"];
        Assert.All(unreadable, text => Assert.NotNull(Read(text).Fault));

        (AuthorizationRequest? Request, string? Fault) Read(string text) =>
            keys.TryRead(Encoding.UTF8.GetBytes(text), null, out var request, out var why) ? (request, null) : (null, why);
    }

    [Fact]
    public void SecretsOfConnect_AreNotPrinted()
    {
        var asked = new AuthorizationRequest(
            new CalloutServer("N", "n1", null),
            "U",
            new CalloutClient(7, null, null, null, null),
            new CalloutConnect { Password = "secret", Token = "secret" },
            null);

        Assert.DoesNotContain("secret", $"{asked} {asked.Connect}", StringComparison.Ordinal);
    }

    private static string Write(AuthorizationRequest request, KeyPair server, string audience = "nats-authorization-request") =>
        NkeyToken.Write(
            new NkeyClaims<AuthorizationRequest>(request) { Audience = audience, IssuedAtSeconds = Now.ToUnixTimeSeconds() }, server);
}

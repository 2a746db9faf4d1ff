using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Provisioning;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>One silo that asks a helper for each node, and updates nodes that it says to.</summary>
public sealed class HelpedCluster : NodeCluster
{
    public HelpedCluster() => Provisioning = options =>
    {
        options.RetryDelay = options.RetryDelayMax = TimeSpan.FromSeconds(1);
        options.FailuresMax = 2;
        options.Upgrades.Repository = "https://releases.example.net";
    };

    public FakeAdvisor Helper { get; } = new();

    protected override void AddMore(IServiceCollection services) => services.AddSingleton<INodeAdvisor>(Helper);
}

public sealed class HelpedNodeTests(HelpedCluster cluster) : IClassFixture<HelpedCluster>
{
    private static readonly TestAuthority Authority = TestAuthority.Create(TestKeyKind.P256);

    [Fact]
    public async Task WhatItLeavesOut_IsLeftToUs()
    {
        const string identity = "part.helped.example.net";
        Answer(identity, _ => new HelperAnswer
        {
            Message = "placed",
            Configuration = new Dictionary<string, string>
            {
                ["identity"] = identity, ["plugin.choria.server.provision"] = "true", ["loglevel"] = "warn", ["empty"] = "",
            },
            ActionPolicies = new Dictionary<string, string> { ["rpcutil.policy"] = "policy default allow" },
        });

        var node = await Enrol(identity);

        var sent = cluster.Nodes[identity].Configuration!;
        Assert.Equal(("warn", "false"), (sent.Settings["loglevel"], sent.Settings["plugin.choria.server.provision"]));
        Assert.Equal("policy default allow", sent.ActionPolicies["rpcutil.policy"]);
        Assert.Equal("local", node.Certificate?.Issuer);
        Assert.Contains(node.History, step => step.Detail == "the helper: placed");
        var view = (await cluster.Node(identity).ViewConfiguration())!;
        var level = Assert.Single(view.Settings, line => line.Key == "loglevel");
        Assert.Equal(("warn", "helper"), (level.Value, level.Origin));
        Assert.Single(cluster.Helper.Questions, question => question.Identity == identity);
    }

    [Fact]
    public async Task ItsCertificate_IsChecked_Recorded_AndGivenToTheNode()
    {
        const string identity = "certified.helped.example.net";
        Answer(identity, question => Certified(identity, Request(question).PublicKey));

        var node = await Enrol(identity);

        Assert.Equal("helper", node.Certificate?.Issuer);
        var ordered = (await cluster.Order(identity, 1))?.Certificate;
        Assert.Equal(ordered?.CertificatePem, cluster.Nodes[identity].Configuration!.CertificatePem);
        Assert.Equal(cluster.Nodes[identity].PublicKeyFingerprint, node.Certificate?.PublicKeyFingerprint);
        Assert.Equal(node.Certificate?.SerialNumber, ordered?.SerialNumber);
    }

    [Fact]
    public async Task ACertificateForAnotherName_ReachesNoNode()
    {
        const string identity = "foreign.helped.example.net";
        Answer(identity, question => Certified("other.example.net", Request(question).PublicKey));
        await cluster.Start(identity);

        var node = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);

        Assert.Contains("other.example.net", node.Reason, StringComparison.Ordinal);
        Assert.Null(cluster.Nodes[identity].Configuration);
    }

    [Fact]
    public async Task ItsKey_GoesToTheNode_WithACertificateOfThatKey()
    {
        const string identity = "keyed.helped.example.net";
        using var key = RSA.Create(2048);
        Answer(identity, _ => Certified(identity, new PublicKey(key)) with { PrivateKeyPem = key.ExportRSAPrivateKeyPem() });

        var node = await Enrol(identity);

        Assert.Equal(key.ExportRSAPrivateKeyPem(), cluster.Nodes[identity].Configuration!.PrivateKeyPem);
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())), node.Certificate?.PublicKeyFingerprint);
    }

    [Fact]
    public async Task AKeyThatWasLostWithItsGrain_IsMadeAnew_WithoutReproach()
    {
        const string identity = "lost.helped.example.net";
        Answer(identity, _ =>
        {
            using var key = RSA.Create(2048);
            return Certified(identity, new PublicKey(key)) with { PrivateKeyPem = key.ExportRSAPrivateKeyPem() };
        });
        cluster.Nodes[identity].FailNext("configure", new NodeSilentException("no answer"));
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage is NodeStage.Deferred or NodeStage.Silent);
        await cluster.DeactivateAll();

        var node = await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);

        Assert.True(node.Attempt <= 2);
        Assert.NotEmpty(cluster.Nodes[identity].Configuration!.PrivateKeyPem);
    }

    [Fact]
    public async Task AHelperThatFails_HoldsTheNode_AndNeverQuarantinesIt()
    {
        const string identity = "failed.helped.example.net";
        var failures = 3;
        Answer(identity, _ => failures-- > 0 ? throw new HelperFailedException("it ended with exit code 3") : new HelperAnswer());
        await cluster.Start(identity);
        var held = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Equal("the helper failed: it ended with exit code 3", held.Reason);

        var node = await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);

        Assert.Equal(1, node.Attempt);
        Assert.DoesNotContain(node.History, step => step.Stage == NodeStage.Quarantined);
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "gencsr");
    }

    [Fact]
    public async Task AnAnswerForAnotherNode_IsNotSent()
    {
        const string identity = "mixed.helped.example.net";
        Answer(identity, _ => new HelperAnswer { Configuration = new Dictionary<string, string> { ["identity"] = "other" } });
        await cluster.Start(identity);

        var node = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);

        Assert.Equal("the helper failed: it answered for another node", node.Reason);
    }

    [Fact]
    public async Task ANodeThatItDefers_Waits_AndIsAskedForAgain()
    {
        const string identity = "deferred.helped.example.net";
        var deferrals = 2;
        Answer(identity, _ => new HelperAnswer { Defer = deferrals-- > 0, Message = "not yet" });

        var node = await Enrol(identity);

        Assert.Contains(node.History, step => step.Detail == "the helper defers it: not yet");
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "gencsr");
    }

    [Fact]
    public async Task ANodeThatItShutsDown_EnrolsAgain_WhenItIsStarted()
    {
        const string identity = "halted.helped.example.net";
        Answer(identity, _ => new HelperAnswer { Shutdown = true, Message = "not in the inventory" });
        await cluster.Start(identity);
        var halted = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Equal(("the helper had it shut down: not in the inventory", null), (halted.Reason, halted.DueAt));
        Assert.Contains("shutdown in provisioning mode", cluster.Nodes[identity].Calls);

        Answer(identity, _ => new HelperAnswer());
        await Enrol(identity);
    }

    [Fact]
    public async Task ANodeThatIsToRunAnotherVersion_UpdatesItself_AndGoesOn()
    {
        const string identity = "updated.helped.example.net";
        Answer(identity, _ => new HelperAnswer { Upgrade = "0.30.9" });
        await cluster.Start(identity);
        await cluster.Until(identity, _ => cluster.Nodes[identity].Calls.Contains("release_update"));

        var node = await Enrol(identity);

        Assert.Contains(node.History, step => step.Detail == "told to update itself to 0.30.9");
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "release_update");
        Assert.Equal(["jwt", "inventory", "gencsr", "configure", "restart"], cluster.Nodes[identity].Calls.TakeLast(5));
    }

    [Fact]
    public async Task ARefusedUpdate_HoldsTheNode_AndNeverQuarantinesIt()
    {
        const string identity = "stuck.helped.example.net";
        Answer(identity, _ => new HelperAnswer { Upgrade = "0.30.9" });
        for (var i = 0; i < 4; i++)
        {
            cluster.Nodes[identity].FailNext("release_update", new NodeRefusedException(NodeFault.Other, "release rolled back"));
        }

        await cluster.Start(identity);
        var held = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Equal("it could not be updated to 0.30.9: release rolled back", held.Reason);

        await cluster.Until(identity, _ => cluster.Nodes[identity].Version == "0.30.9");
        Assert.DoesNotContain((await cluster.Node(identity).Get()).History, step => step.Stage == NodeStage.Quarantined);
    }

    private static CertificateRequest Request(HelperQuestion question) => CertificateRequest.LoadSigningRequestPem(
        question.SigningRequest!.SigningRequestPem, HashAlgorithmName.SHA256);

    private static HelperAnswer Certified(string name, PublicKey key)
    {
        var now = TimeProvider.System.GetUtcNow();
        var usages = key.GetRSAPublicKey() is null
            ? X509KeyUsageFlags.DigitalSignature
            : X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment;
        var leaf = new TestLeaf(new X500DistinguishedName($"CN={name}"), key, now.AddMinutes(-5), now.AddDays(7))
        {
            DnsNames = [name], Usages = usages,
        };
        return new HelperAnswer
        {
            CertificatePem = PemEncoding.WriteString("CERTIFICATE", leaf.Sign(Authority)) + "\n", ChainPem = Authority.ChainPem,
        };
    }

    private void Answer(string identity, Func<HelperQuestion, HelperAnswer> answer) => cluster.Helper.Answers[identity] = answer;

    private async Task<NodeSnapshot> Enrol(string identity)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        return await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
    }
}

using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class NodeSettingsTests
{
    private const string Identity = "web1.example.net";
    private static readonly string IssuerKey = new('a', 64);
    private static readonly ProvisioningOptions Options = new() { Issuers = { ["choria"] = IssuerKey } };

    private static readonly PendingCredentials Certificate = new()
    {
        KeyedAt = DateTimeOffset.UnixEpoch,
        SslDirectory = "/etc/choria/ssl",
        SigningRequestPem = "pem",
    };

    private static readonly PendingCredentials Token = new()
    {
        KeyedAt = DateTimeOffset.UnixEpoch,
        Ed25519PublicKey = IssuerKey,
        Directory = "/etc/choria",
    };

    [Fact]
    public void Build_WritesFileSecurity_ForACertificateNode() =>
        Assert.Equal(
            [
                ("collectives", "mcollective,web"),
                ("identity", Identity),
                ("main_collective", "mcollective"),
                ("plugin.choria.middleware_hosts", "nats://b1:4222,nats://b2:4222"),
                ("plugin.choria.server.provision", "false"),
                ("plugin.choria.use_srv", "false"),
                ("plugin.security.file.ca", "/etc/choria/ssl/ca.pem"),
                ("plugin.security.file.certificate", "/etc/choria/ssl/certificate.pem"),
                ("plugin.security.file.key", "/etc/choria/ssl/private.pem"),
                ("plugin.security.provider", "file"),
                ("registerinterval", "300"),
            ],
            Settings(Build(Certificate)));

    [Fact]
    public void Build_WritesTokenSecurity_ForAnEd25519Node()
    {
        var settings = Build(Token).Settings;

        Assert.Equal("choria", settings["plugin.security.provider"]);
        Assert.Equal("/etc/choria/server.jwt", settings["plugin.security.choria.token_file"]);
        Assert.Equal("/etc/choria/server.seed", settings["plugin.security.choria.seed_file"]);
        Assert.Equal("choria", settings["plugin.security.issuer.names"]);
        Assert.Equal(IssuerKey, settings["plugin.security.issuer.choria.public"]);
    }

    [Theory]
    [InlineData("identity", Identity)]
    [InlineData("plugin.choria.server.provision", "false")]
    public void Build_LetsNoOperatorsLineUndoWhatMakesTheNodeOurs(string key, string expected)
    {
        var overlay = Overlay();
        overlay.Configuration[key] = "something else";

        Assert.Equal(expected, Build(Certificate, overlay).Settings[key]);
    }

    [Fact]
    public void Build_TakesLayersOverTheOverlay_AndReadsSecretsLast()
    {
        var draft = NodeDraft.Empty with
        {
            Settings = NodeDraft.Empty.Settings
                .Add("registerinterval", new NodeLine("60", "a.yaml: it"))
                .Add("identity", new NodeLine("other", "a.yaml: it"))
                .Add("collectives", new NodeLine("mcollective, acme", "a.yaml: it"))
                .Add("plugin.nats.pass", new NodeLine("/run/pass", "a.yaml: it", IsSecret: true)),
        };
        var pending = Certificate with { Draft = draft };
        var configuration = Build(pending);

        Assert.Equal(
            ("60", Identity, "hunter2"),
            (configuration.Settings["registerinterval"], configuration.Settings["identity"], configuration.Settings["plugin.nats.pass"]));
        Assert.Equal(
            ["mcollective", "acme"], NodeSettings.CollectivesIn(NodeSettings.Lines(Identity, pending, Overlay(), Options)));
        Assert.Empty(NodeSettings.Faults(configuration, Overlay()));
    }

    [Fact]
    public void Faults_DemandsTheCollective_InWhichTheNodeIsCalled()
    {
        var alone = NodeDraft.Empty with { Settings = NodeDraft.Empty.Settings.Add("collectives", new NodeLine("acme", "a.yaml: it")) };

        Assert.Contains(
            "mcollective", OnlyFault(Build(Certificate with { Draft = alone })), StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_FindsNone_InWhatChoriaAllows() => Assert.Empty(NodeSettings.Faults(Build(Certificate), Overlay()));

    [Theory]
    [InlineData("a\nplugin.choria.server.provision=true")]
    [InlineData("a\r")]
    [InlineData("")]
    public void Faults_NamesASetting_ThatWouldBreakTheFile(string value)
    {
        var overlay = Overlay();
        overlay.Configuration["plugin.yaml"] = value;

        Assert.Contains("'plugin.yaml'", OnlyFault(Build(Certificate, overlay)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a=b")]
    [InlineData("# a")]
    [InlineData("a\nb")]
    [InlineData("")]
    public void Faults_NamesWhatIsNotASetting(string key)
    {
        var overlay = Overlay();
        overlay.Configuration[key] = "value";

        Assert.Contains(
            "is not the name of a setting", OnlyFault(Build(Certificate, overlay)), StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_NamesEveryLimitOfChoria_ThatIsPassed()
    {
        var overlay = Overlay();
        overlay.Configuration["plugin.long"] = new string('x', NodeSettings.SettingsJsonLengthMax);
        overlay.ActionPolicies["rpcutil.txt"] = "policy default allow";
        overlay.OpaPolicies["default.policy"] = "package x";
        var configuration = Build(Certificate, overlay) with
        {
            CertificatePem = new string('c', NodeSettings.CertificateLengthMax + 1),
            ChainPem = new string('c', NodeSettings.ChainLengthMax + 1),
            ServerToken = new string('t', NodeSettings.ServerTokenLengthMax + 1),
        };

        Assert.Equal(6, NodeSettings.Faults(configuration, overlay).Count);
    }

    private static string OnlyFault(NodeConfiguration configuration) =>
        Assert.Single(NodeSettings.Faults(configuration, Overlay()));

    private static NodeConfiguration Build(PendingCredentials pending, OverlayOptions? overlay = null) =>
        NodeSettings.Build(
            NodeSettings.Lines(Identity, pending, overlay ?? Overlay(), Options),
            pending,
            certificate: null,
            "token",
            overlay ?? Overlay(),
            new Dictionary<string, string> { ["plugin.nats.pass"] = "hunter2" });

    private static OverlayOptions Overlay() => new()
    {
        Brokers = ["nats://b1:4222", "nats://b2:4222"],
        Collectives = ["mcollective", "web"],
        Configuration = { ["registerinterval"] = "300" },
    };

    private static IEnumerable<(string, string)> Settings(NodeConfiguration configuration) =>
        configuration.Settings.Select(setting => (setting.Key, setting.Value));
}

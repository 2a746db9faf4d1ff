using ControlPlane.Overlays;
using ControlPlane.Provisioning;

namespace ControlPlane.Grains.Tests.Provisioning;

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
    public void Faults_FindsNone_InWhatChoriaAllows() => Assert.Empty(NodeSettings.Faults(Build(Certificate)));

    [Theory]
    [InlineData("a\nplugin.choria.server.provision=true")]
    [InlineData("a\r")]
    [InlineData("")]
    public void Faults_NamesASetting_ThatWouldBreakTheFile(string value)
    {
        var overlay = Overlay();
        overlay.Configuration["plugin.yaml"] = value;

        Assert.Contains("'plugin.yaml'", Assert.Single(NodeSettings.Faults(Build(Certificate, overlay))), StringComparison.Ordinal);
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
            "is not the name of a setting", Assert.Single(NodeSettings.Faults(Build(Certificate, overlay))), StringComparison.Ordinal);
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

        Assert.Equal(6, NodeSettings.Faults(configuration).Count);
    }

    private static NodeConfiguration Build(PendingCredentials pending, OverlayOptions? overlay = null) =>
        NodeSettings.Build(Identity, pending, "token", overlay ?? Overlay(), Options);

    private static OverlayOptions Overlay() => new()
    {
        Brokers = ["nats://b1:4222", "nats://b2:4222"],
        Collectives = ["mcollective", "web"],
        Configuration = { ["registerinterval"] = "300" },
    };

    private static IEnumerable<(string, string)> Settings(NodeConfiguration configuration) =>
        configuration.Settings.Select(setting => (setting.Key, setting.Value));
}

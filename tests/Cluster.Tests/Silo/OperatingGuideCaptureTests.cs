using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>The guide and what we send to nodes, held against the settings of real brokers and agents in the captures.</summary>
public sealed class OperatingGuideCaptureTests
{
    /// <summary>What only the captures' lab needed: where it listened, and what it logged.</summary>
    private static readonly string[] OfTheLab =
    [
        "identity", "logfile", "loglevel", "plugin.choria.network.listen_address", "plugin.choria.network.public_url",
        "plugin.choria.use_srv",
        "plugin.choria.middleware_hosts",
        "plugin.choria.network.system.user",
        "plugin.choria.network.system.password",
    ];

    private static readonly string Guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATING.md"));

    [Theory]
    [InlineData("v1-x509")]
    [InlineData("v2-issuer")]
    public void TheGuidesBrokers_HaveEverySettingOfTheCapturedOnes(string capture)
    {
        var missing = Keys(capture, "broker/broker.conf").Except(OfTheLab).Where(key => !Guide.Contains(key, StringComparison.Ordinal));

        Assert.Empty(missing);
    }

    [Fact]
    public void AV1Node_IsSentTheSettingsThatACapturedOneRunsBy()
    {
        var pending = new PendingCredentials { KeyedAt = DateTimeOffset.UnixEpoch, SslDirectory = "/etc/choria/ssl" };

        AssertComplete("v1-x509", pending);
    }

    [Fact]
    public void AV2Node_IsSentTheSettingsThatACapturedOneRunsBy()
    {
        var pending = new PendingCredentials
        {
            KeyedAt = DateTimeOffset.UnixEpoch, Ed25519PublicKey = new string('a', 64), Directory = "/etc/choria",
        };

        AssertComplete("v2-issuer", pending);
    }

    /// <summary>The rest of a captured node's settings are those that an operator chooses, and the guide shows how.</summary>
    private static void AssertComplete(string capture, PendingCredentials pending)
    {
        var options = new ProvisioningOptions { Issuers = { ["choria"] = new string('b', 64) } };
        var overlay = new OverlayOptions { Brokers = ["nats://broker.example.net:4222"] };
        var sent = NodeSettings.Lines("node1.example.net", pending, overlay, options).Keys;

        var needed = Keys(capture, "node1/etc/server.conf").Where(key =>
            key.StartsWith("plugin.security.", StringComparison.Ordinal)
            || key is "identity" or "collectives" or "main_collective" or "plugin.choria.middleware_hosts" or "plugin.choria.use_srv"
                or "plugin.choria.server.provision");

        Assert.Empty(needed.Except(sent));
    }

    private static IEnumerable<string> Keys(string capture, string file) =>
        from line in File.ReadLines(Path.Combine(Repository.Root, "tests", "fixtures", "choria", capture, "keys", file))
        where !line.StartsWith('#') && line.Contains('=', StringComparison.Ordinal)
        select line[..line.IndexOf('=', StringComparison.Ordinal)].Trim();
}

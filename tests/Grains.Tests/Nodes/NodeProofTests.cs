using System.Security.Cryptography;
using System.Text;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Provisioning;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class NodeProofTests
{
    private const string Identity = "web1.example.net";
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly NodeProofOptions Listed = new() { AllowListFile = "nodes.json" };
    private static readonly NodeState Newcomer = new() { Stage = NodeStage.Attested, WaitingSince = Now };

    private static readonly EnrolmentFindings Findings = new(
        """{"extensions":{"identity":"web1.example.net","secret":"once"}}""",
        "choria",
        """
        {"facts":{"serial":"ABC","networking":{"interfaces":[{"mac":"52:54:00:AA:bb:cc"}]},
         "cloud":{"identity":{"document":"{\"instanceId\":\"i-1\"}","signature":"signed"}}}}
        """);

    [Fact]
    public void Fault_DemandsNothing_ByDefault()
    {
        Assert.Null(Fault(new NodeProofOptions()));
        Assert.NotNull(new NodeProofOptions().Missing);
        Assert.Null(Listed.Missing);
    }

    [Theory]
    [InlineData("extensions.identity", Identity, true)]
    [InlineData("extensions.identity", "web2.example.net", false)]
    [InlineData("extensions.name", Identity, false)]
    public void Fault_HoldsTheTokensClaimAgainstTheIdentity(string claim, string identity, bool isProven) =>
        Assert.Equal(isProven, Fault(new NodeProofOptions { IdentityClaim = claim }, identity: identity) is null);

    [Fact]
    public void Fault_RefusesWhoIsNotListed_AndTakesWhoIs()
    {
        Assert.Contains("list of expected nodes", Fault(Listed), StringComparison.Ordinal);
        Assert.Null(Fault(Listed, new ExpectedNode()));
    }

    [Fact]
    public void Fault_HoldsFactsAgainstTheList()
    {
        Assert.Null(Fault(Listed, new ExpectedNode { Facts = new Dictionary<string, string> { ["serial"] = "ABC" } }));
        var other = new ExpectedNode { Facts = new Dictionary<string, string> { ["serial"] = "XYZ" } };
        Assert.Contains("serial", Fault(Listed, other), StringComparison.Ordinal);
        Assert.NotNull(Fault(Listed, new ExpectedNode { Facts = new Dictionary<string, string> { ["serial.none"] = "ABC" } }));
        Assert.Null(Fault(Listed, new ExpectedNode { Mac = "52:54:00:aa:bb:cc" }));
        Assert.NotNull(Fault(Listed, new ExpectedNode { Mac = "52:54:00:aa:bb:cd" }));
    }

    [Fact]
    public void Fault_TakesASecretOnce_AndAgainFromWhoWasAskedToEnrol()
    {
        var expected = new ExpectedNode { SecretSha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("once"))) };
        var held = new HeldCredentials(null, null, null, null, Now.AddDays(-1));

        Assert.Null(Fault(Listed, expected));
        Assert.NotNull(Fault(Listed, expected with { SecretSha256 = new string('0', 64) }));
        Assert.Contains("was used", Fault(Listed, expected, Newcomer with { Held = held }), StringComparison.Ordinal);
        Assert.Null(Fault(Listed, expected, Newcomer with { Held = held, AskedToEnrolAt = Now }));
    }

    [Fact]
    public void Fault_ReadsADocument_OnlyWhenItsCloudSignedIt()
    {
        var expected = new ExpectedNode { Document = new Dictionary<string, string> { ["instanceId"] = "i-1" } };

        Assert.Null(Fault(Listed, expected));
        Assert.NotNull(Fault(Listed, new ExpectedNode { Document = new Dictionary<string, string> { ["instanceId"] = "i-2" } }));
        var unsigned = Findings with
        {
            InventoryJson = Findings.InventoryJson.Replace("\"signed\"", "\"forged\"", StringComparison.Ordinal),
        };
        Assert.Contains("no document", Fault(Listed, expected, findings: unsigned), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"facts\":1}")]
    [InlineData("not json")]
    public void Fault_RefusesWhatCannotBeRead(string inventory) => Assert.NotNull(
        Fault(Listed, new ExpectedNode { Mac = "52:54:00:aa:bb:cc" }, findings: Findings with { InventoryJson = inventory }));

    private static string? Fault(
        NodeProofOptions options,
        ExpectedNode? expected = null,
        NodeState? state = null,
        EnrolmentFindings? findings = null,
        string identity = Identity)
    {
        var list = new FakeExpectedNodes();
        if (expected is not null)
        {
            list.Nodes[identity] = expected;
        }

        return NodeProof.Fault(identity, state ?? Newcomer, findings ?? Findings, options, list, Now);
    }
}

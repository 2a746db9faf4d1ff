using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class UpgradeTests
{
    private static readonly UpgradeOptions Demanded = new() { Repository = "https://releases.example.net" };

    [Theory]
    [InlineData("0.30.3", "0.30.2", 1)]
    [InlineData("0.30.10", "0.30.9", 1)]
    [InlineData("0.30.2", "0.30.2", 0)]
    [InlineData("0.30.02", "0.30.2", 0)]
    [InlineData("0.30", "0.30.1", -1)]
    [InlineData("1:0.1", "0.30.2", 1)]
    [InlineData("0.30.2-1", "0.30.2", 1)]
    [InlineData("0.30.2-2", "0.30.2-10", -1)]
    [InlineData("0.30.2~rc1", "0.30.2", -1)]
    [InlineData("0.30.2~rc1", "0.30.2~rc2", -1)]
    [InlineData("0.30.a", "0.30.1", -1)]
    [InlineData("0.30.b", "0.30.a", 1)]
    [InlineData("0_30_2", "0.30.2", 0)]
    public void Compare_OrdersVersions_AsTheProvisioner(string one, string other, int order)
    {
        Assert.Equal(order, Upgrade.Compare(one, other));
        Assert.Equal(-order, Upgrade.Compare(other, one));
    }

    [Fact]
    public void Judge_UpdatesToAHigherVersion_AndNeverBack_UnlessThatIsAllowed()
    {
        Assert.Equal("0.30.3", Judge("0.30.3").Version);
        Assert.Equal(new UpgradeVerdict(null), Judge("0.30.2"));
        Assert.Equal(new UpgradeVerdict(null), Judge(""));
        Assert.Equal(new UpgradeVerdict(null, "it runs 0.30.2, and is not taken back to 0.29.0"), Judge("0.29.0"));
        Assert.Equal("0.29.0", Judge("0.29.0", options: new UpgradeOptions { Repository = "https://r", AllowDowngrade = true }).Version);
        Assert.Equal(new UpgradeVerdict(null), Judge("0.30.3", options: new UpgradeOptions()));
    }

    [Fact]
    public void Judge_HoldsANodeThatCannotBeUpdated_OnlyWhereItIsDemanded()
    {
        var optional = new UpgradeOptions { Repository = "https://r", Optional = true };
        var asked = new UpgradeAsked("0.30.3", 3);

        Assert.Contains("does not allow it", Judge("0.30.3", isUpgradable: false).Obstacle, StringComparison.Ordinal);
        Assert.Contains("told 3 times", Judge("0.30.3", asked: asked).Obstacle, StringComparison.Ordinal);
        Assert.Equal("0.30.4", Judge("0.30.4", asked: asked).Version);
        var verdict = Judge("0.30.3", asked: asked, options: optional);
        Assert.Equal((null, null), (verdict.Version, verdict.Obstacle));
        Assert.Contains("told 3 times", verdict.Note, StringComparison.Ordinal);
    }

    private static UpgradeVerdict Judge(
        string wanted, bool isUpgradable = true, UpgradeAsked? asked = null, UpgradeOptions? options = null) => Upgrade.Judge(
            wanted, $$"""{"version":"0.30.2","upgradable":{{(isUpgradable ? "true" : "false")}}}""", asked, options ?? Demanded);
}

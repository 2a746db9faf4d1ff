using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

public sealed class FilterTextTests
{
    [Theory]
    [InlineData("os.family=RedHat", "os.family", "==", "RedHat")]
    [InlineData("os.family==RedHat", "os.family", "==", "RedHat")]
    [InlineData(" os.family != RedHat ", "os.family", "!=", "RedHat")]
    [InlineData("cpus>=4", "cpus", ">=", "4")]
    [InlineData("cpus=>4", "cpus", ">=", "4")]
    [InlineData("cpus<=4", "cpus", "<=", "4")]
    [InlineData("cpus=<4", "cpus", "<=", "4")]
    [InlineData("cpus<4", "cpus", "<", "4")]
    [InlineData("cpus>4", "cpus", ">", "4")]
    [InlineData("role=~^web", "role", "=~", "^web")]
    [InlineData("role=/^web/", "role", "=~", "/^web/")]
    [InlineData("role!=/^web/", "role", "=~", "/^web/")]
    [InlineData("label=a==b", "label=a", "==", "b")]
    public void Read_TakesTheRightMostOperator_AndASlashedValueForAPattern(string text, string fact, string sign, string value) =>
        Assert.Equal(new FactText(fact, sign, value), FactText.Read(text));

    [Theory]
    [InlineData("role::web")]
    [InlineData("=4")]
    [InlineData("cpus=")]
    [InlineData("  =  ")]
    [InlineData("")]
    public void Read_SaysWhatIsWrong(string text)
    {
        Assert.False(FactText.TryRead(text, out _, out var fault));
        Assert.Contains("write fact=value", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void WithCombined_TellsFactsFromClasses()
    {
        var filter = FilterText.WithCombined(
            RpcFilter.Everyone with { Classes = ["base"] }, ["role::web  os.family=RedHat", "/^profile::/", "cpus>=4"]);

        Assert.Equal(["os.family=RedHat", "cpus>=4"], filter.Facts);
        Assert.Equal(["base", "role::web", "/^profile::/"], filter.Classes);
    }

    [Fact]
    public void Faults_NameEachBadTerm()
    {
        var faults = FilterText.Faults(new RpcFilter(["nothing", "cpus=4"], [""], [], [new string('x', 5000)], []));

        Assert.Equal(3, faults.Count);
        Assert.Contains(faults, fault => fault.Contains("'nothing'", StringComparison.Ordinal));
        Assert.Single(FilterText.Faults(RpcFilter.Everyone with { Identities = [.. Enumerable.Repeat("a", 1001)] }));
    }

    [Fact]
    public void Joined_MakesOneExpression_OfSeveral()
    {
        Assert.Null(FilterText.Joined([]));
        Assert.Equal("with('a') or with('b')", FilterText.Joined(["with('a') or with('b')"]));
        Assert.Equal("(with('a') or with('b')) and (with('c'))", FilterText.Joined(["with('a') or with('b')", "with('c')"]));
    }
}

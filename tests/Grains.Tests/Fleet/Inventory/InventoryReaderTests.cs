using System.Text;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class InventoryReaderTests
{
    private const string Registered =
        """{"agents":[{"name":"rpcutil","timeout":2}],"classes":["role::web"],"facts":{"country":"uk","uptime":5,"machine_id":"m1"},"status":{"uptime":7},"""
        + """ "collectives":["choria"],"build_info":{"version":"0.30.2"},"machines":[]}""";

    private static readonly InventoryOptions Options = new();

    [Fact]
    public void ReadOrNull_ReadsARegistration_WithoutWhatNeverRests()
    {
        var read = Read(Registered)!;

        Assert.Equal(["rpcutil"], read.Agents);
        Assert.Equal(["role::web"], read.Classes);
        Assert.Equal("""{"country":"uk","machine_id":"m1"}""", Encoding.UTF8.GetString(read.FactsJson.Span));
        Assert.Equal(("0.30.2", "m1", 0), (read.Version, read.MachineId, read.Dropped));
    }

    [Fact]
    public void ReadOrNull_ReadsAnAnswerOfRpcutil()
    {
        var read = Read("""{"agents":["rpcutil"],"classes":[],"collectives":["choria"],"facts":{"a":1},"version":"0.30.2"}""")!;

        Assert.Equal(["rpcutil"], read.Agents);
        Assert.Equal("0.30.2", read.Version);
    }

    [Fact]
    public void Digest_IsTheSame_WhenOnlyTheNodesCountersWentOn()
    {
        Assert.Equal(Read(Registered)!.Digest, Read(Registered.Replace("\"uptime\":7", "\"uptime\":8", StringComparison.Ordinal))!.Digest);
        Assert.Equal(Read(Registered)!.Digest, Read(Registered.Replace("\"uptime\":5", "\"uptime\":8", StringComparison.Ordinal))!.Digest);
        Assert.NotEqual(Read(Registered)!.Digest, Read(Registered.Replace("uk", "de", StringComparison.Ordinal))!.Digest);
    }

    [Fact]
    public void ReadOrNull_LeavesOutWhatIsTooMuch_AndSaysHowMuch()
    {
        var large = new string('x', InventoryReader.FactsBytesMax);
        var agents = string.Join(',', Enumerable.Range(0, InventoryReader.AgentsMax + 2).Select(number => $"\"a{number}\""));
        var read = Read($$"""{"facts":{"large":"{{large}}","small":1},"agents":[{{agents}}]}""")!;

        Assert.Equal("""{"small":1}""", Encoding.UTF8.GetString(read.FactsJson.Span));
        Assert.Equal((InventoryReader.AgentsMax, 3), (read.Agents.Count, read.Dropped));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("\"text\"")]
    public void ReadOrNull_IsNothing_WhenItIsNoObject(string json) => Assert.Null(Read(json));

    [Fact]
    public void ReadFactsOrNull_TakesAFileOfFacts()
    {
        const string file = """{"serial":"XYZ789","rack":"r2"}""";
        var read = InventoryReader.ReadFactsOrNull("node1", Encoding.UTF8.GetBytes(file), DateTimeOffset.UnixEpoch, Options)!;

        Assert.Equal(file, Encoding.UTF8.GetString(read.FactsJson.Span));
    }

    private static NodeInventory? Read(string json) => InventoryReader.ReadOrNull(
        "node1", Encoding.UTF8.GetBytes(json), InventorySource.Registration, DateTimeOffset.UnixEpoch, Options);
}

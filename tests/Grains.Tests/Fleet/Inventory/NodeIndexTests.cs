using System.Text;
using ControlPlane.Filters;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class NodeIndexTests
{
    private const string Web1 =
        """{"country":"uk","os":{"family":"Debian","release":{"major":"12"}},"disks":[{"size":10},{"size":20}],"a.b":1}""";

    private static readonly string[] Pieces =
        ["(", ")", "!", "&&", "||", "=", "<", "~", "'", "\"", "/", " ", "a", "with", ".", " and ", " or ", "not ", "\\", "["];

    private readonly NodeIndex index = new(factsPerNodeMax: 100);

    public NodeIndexTests()
    {
        Learn("web1", Web1, ["role::web"], ["rpcutil", "puppet"]);
        Learn("web2", """{"country":"de","os":{"family":"Debian","release":{"major":"11"}},"virtual":true}""", ["role::web"], ["rpcutil"]);
        Learn("db1", """{"country":"uk","os":{"family":"RedHat"},"virtual":false}""", ["role::DB"], ["rpcutil", "puppet"]);
        index.Stand(Entry("silent") with { Liveness = NodeLiveness.Lost });
    }

    [Theory]
    [InlineData("country=uk", "db1 web1")]
    [InlineData("country=UK and not role::web", "db1")]
    [InlineData("country=uk or country=de", "db1 web1 web2")]
    [InlineData("not country=uk", "silent web2")]
    [InlineData("not (country=uk or virtual=true)", "silent")]
    [InlineData("country=/^[du]/ && !puppet", "web2")]
    [InlineData("puppet", "db1 web1")]
    [InlineData("/^pup/", "db1 web1")]
    [InlineData("/role::db/", "db1")]
    [InlineData("role::DB", "")]
    [InlineData("os.release.major >= 12", "web1")]
    [InlineData("disks.1.size=20", "web1")]
    [InlineData("disks.#=2", "web1")]
    [InlineData("\"a\\.b\"=1", "web1")]
    [InlineData("with('os.family=Debian') and with(\"role::web\")", "web1 web2")]
    [InlineData("with('/web/') or with('os.family=~Red')", "db1 web1 web2")]
    [InlineData("virtual=true or os.family=redhat and country=uk", "db1 web2")]
    [InlineData("missing=1", "")]
    public void Select_AnswersExpressions(string filter, string expected) =>
        Assert.Equal(expected, Select(NodeQuery.All with { Filter = filter }));

    [Fact]
    public void Select_AnswersEveryPartOfAQuery()
    {
        Assert.Equal("web1 web2", Select(NodeQuery.All with { Classes = ["/WEB/"] }));
        Assert.Equal("db1 web1", Select(NodeQuery.All with { Agents = ["puppet", "rpcutil"] }));
        Assert.Equal("db1 web1", Select(NodeQuery.All with { Identities = ["db1", "/b1$/"] }));
        Assert.Equal("web2", Select(NodeQuery.All with { Facts = ["os.family=debian", "country=de"] }));
        Assert.Equal("silent", Select(NodeQuery.All with { Liveness = NodeLiveness.Lost }));
        Assert.Equal("", Select(NodeQuery.All with { Stage = NodeStage.Quarantined }));
        Assert.Equal("", Select(NodeQuery.All with { Version = "0.1" }));
        Assert.Equal("db1 silent web1 web2", Select(NodeQuery.All with { Overlay = "overlay-1" }));
    }

    [Theory]
    [InlineData("country=")]
    [InlineData("(country=uk")]
    [InlineData("country=uk)")]
    [InlineData("and country=uk")]
    [InlineData("country=uk de")]
    [InlineData("country & uk")]
    [InlineData("'open")]
    [InlineData("/open")]
    [InlineData("with(x)")]
    [InlineData("not")]
    public void Read_Refuses_WhatIsNoExpression(string filter) => Assert.Throws<FilterException>(() => FilterReader.Read(filter));

    [Fact]
    public void Read_IsBounded()
    {
        Assert.Throws<FilterException>(() => FilterReader.Read(new string('(', 100) + "a" + new string(')', 100)));
        Assert.Throws<FilterException>(() => FilterReader.Read(string.Join(" or ", Enumerable.Repeat("a", 200))));
        Assert.Throws<FilterException>(() => FilterReader.Read(new string('a', FilterReader.CharsMax + 1)));
    }

    [Fact]
    public void Read_NeverFailsInAnotherWay() =>
        Gen.Int[0, Pieces.Length - 1].Array[0, 14].Sample(parts =>
        {
            try
            {
                FilterReader.Read(string.Concat(parts.Select(part => Pieces[part])));
            }
            catch (FilterException)
            {
                // What it may do.
            }
        });

    [Fact]
    public void Learn_ReplacesWhatWasKnown_AndGivesBackWhatNobodyUses()
    {
        var (facts, values) = (index.Facts, index.Values);
        Learn("web1", """{"country":"fr","only":"here"}""", [], []);
        Assert.Equal("web1", Select(NodeQuery.All with { Filter = "country=fr" }));
        Assert.Equal("db1", Select(NodeQuery.All with { Filter = "country=uk" }));
        Learn("web1", Web1, [], []);

        Assert.Equal((facts, values), (index.Facts, index.Values));
    }

    [Theory]
    [InlineData(InventorySource.Registration, InventorySource.Enrolment, false)]
    [InlineData(InventorySource.RegisteredFile, InventorySource.Enrolment, false)]
    [InlineData(InventorySource.Registration, InventorySource.RegisteredFile, false)]
    [InlineData(InventorySource.Enrolment, InventorySource.Enrolment, true)]
    [InlineData(InventorySource.Enrolment, InventorySource.RegisteredFile, true)]
    [InlineData(InventorySource.RegisteredFile, InventorySource.Registration, true)]
    [InlineData(InventorySource.Registration, InventorySource.Registration, true)]
    public void Merge_TakesWhatSaysNoLess_ThanWhatIsKnown(InventorySource known, InventorySource said, bool isTaken)
    {
        index.Learn(Inventory("web9", Web1, ["role::web"], ["puppet"]) with { Source = known });

        var kept = index.Merge(Inventory("web9", "{}", [], []) with { Source = said });

        Assert.Equal(isTaken, kept is not null);
    }

    [Fact]
    public void Merge_KeepsClassesAndAgents_OfWhichAFileSaysNothing()
    {
        index.Learn(Inventory("web9", Web1, ["role::web"], ["puppet"]) with { Source = InventorySource.Enrolment, Version = "0.30.2" });

        var kept = index.Merge(Inventory("web9", "{}", [], []) with { Source = InventorySource.RegisteredFile });

        Assert.Equal(["role::web"], kept!.Classes);
        Assert.Equal(["puppet"], kept.Agents);
        Assert.Equal("0.30.2", kept.Version);
        Assert.Equal("{}", Encoding.UTF8.GetString(kept.FactsJson.Span));
    }

    [Fact]
    public void CountBy_CountsValues_AndNodesWithoutOne()
    {
        var (counts, missing) = index.CountBy("country", NodeSelection.Of(NodeQuery.All));

        Assert.Equal([("\"de\"", 1), ("\"uk\"", 2)], counts.Select(count => (count.Key.ToJson(), count.Value)).Order());
        Assert.Equal(1, missing);
    }

    [Fact]
    public void Select_AgreesWithANaiveEvaluation() =>
        Gen.Select(Gen.Int[0, 3].Array[8], Gen.Int[0, 3], Gen.Int[0, 3]).Sample((countries, one, other) =>
        {
            var tried = new NodeIndex(10);
            foreach (var (node, country) in countries.Index())
            {
                tried.Stand(Entry($"n{node}"));
                tried.Learn(Inventory($"n{node}", $$"""{"country":"c{{country}}","rank":{{node}}}""", [], []));
            }

            var selection = NodeSelection.Of(NodeQuery.All with { Filter = $"country=c{one} or not country=c{other} and rank>2" });
            Assert.Equal(
                countries.Index()
                    .Where(node => node.Item == one || (node.Item != other && node.Index > 2)).Select(node => $"n{node.Index}"),
                tried.Select(selection).Select(entry => entry.Identity));
        });

    private static RosterEntry Entry(string identity) => new(
        identity, NodeStage.Enrolled, "overlay-1", null, DateTimeOffset.UnixEpoch, null, NodeLiveness.Alive, "0.30.2");

    private static NodeInventory Inventory(string identity, string facts, string[] classes, string[] agents) => new(
        identity,
        InventorySource.Registration,
        DateTimeOffset.UnixEpoch,
        Encoding.UTF8.GetBytes(facts),
        classes,
        agents,
        [],
        null,
        facts,
        0);

    private void Learn(string identity, string facts, string[] classes, string[] agents)
    {
        index.Stand(Entry(identity));
        index.Learn(Inventory(identity, facts, classes, agents));
    }

    private string Select(NodeQuery query) => string.Join(' ', index.Select(NodeSelection.Of(query)).Select(entry => entry.Identity));
}

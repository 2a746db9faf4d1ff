using System.Text;
using ControlPlane.Filters;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Grains.Tests.Filters;

public sealed class FilteredNodeTests
{
    private static readonly string[] Terms =
    [
        "country=uk", "country=/^[a-m]/", "rank>2", "rank<=1", "os.family!=Debian", "missing=1",
        "role::web", "/^role/", "puppet", "alive=true",
    ];

    [Fact]
    public void Fulfils_AgreesWithTheIndex() => Gen.Select(
        Gen.Int[0, Terms.Length - 1].Select(index => Terms[index]).Array[3], Gen.Bool, Gen.Bool,
        Gen.Bool.Select(isBritish => isBritish ? "uk" : "de"), Gen.Int[0, 4], Gen.Bool, Gen.Bool)
        .Sample((terms, isOr, isNegated, country, rank, isAlive, isWeb) =>
        {
            var filter = $"{terms[0]} {(isOr ? "or" : "and")} {(isNegated ? "not " : "")}({terms[1]} or {terms[2]})";
            var facts = Encoding.UTF8.GetBytes(
                $$"""{"country":"{{country}}","rank":{{rank}},"alive":{{(isAlive ? "true" : "false")}},"os":{"family":"Debian"} }""");
            string[] classes = isWeb ? ["role::web"] : ["base"];
            string[] agents = ["puppet"];
            var index = new NodeIndex(100);
            index.Stand(new RosterEntry("n", NodeStage.Enrolled, "o", null, DateTimeOffset.UnixEpoch, null, NodeLiveness.Alive, "1"));
            index.Learn(new NodeInventory(
                "n", InventorySource.Registration, DateTimeOffset.UnixEpoch, facts, classes, agents, [], null, "d", 0));

            var isSelected = index.Select(NodeSelection.Of(NodeQuery.All with { Filter = filter })).Any();

            Assert.Equal(isSelected, FilteredNode.Of(facts, 100, classes, agents).Fulfils(FilterReader.Read(filter)));
        });
}

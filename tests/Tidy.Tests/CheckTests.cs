using System.Globalization;

namespace ControlPlane.Tidy.Tests;

/// <summary>The checks themselves: each finds what it is there for, and lets the rest pass.</summary>
public sealed class CheckTests
{
    [Theory]
    [InlineData(68, 0)]
    [InlineData(69, 1)]
    public void SizeCheck_FindsAMethod_OfMoreThan70Lines(int statements, int faults)
    {
        // The declaration with its braces on the same lines as statements: statements + 2 lines.
        var body = string.Concat(Enumerable.Repeat("    x++;\n", statements));

        Assert.Equal(faults, SizeCheck.Faults(Source($"class A {{\nvoid M(int x) {{\n{body}}}\n}}\n")).Count());
    }

    [Theory]
    [InlineData("// {0}", 138, 1)]
    [InlineData("// {0}", 137, 0)]
    [InlineData("class A {{ string s = \"{0}\"; }}", 134, 0)]
    [InlineData("class A {{ string s = \"\" /* {0} */; }}", 134, 1)]
    public void SizeCheck_FindsALine_OfMoreThan140Columns_UnlessItIsASentence(string line, int words, int faults) =>
        Assert.Equal(faults, SizeCheck.Faults(Source(string.Format(CultureInfo.InvariantCulture, line, new string('x', words)))).Count());

    [Theory]
    [InlineData("", 1)]
    [InlineData("// One table, kept in one place.\n", 0)]
    public void SizeCheck_AsksForAReason_OfMoreThan400Lines(string first, int faults) =>
        Assert.Equal(faults, SizeCheck.Faults(Source(first + string.Concat(Enumerable.Repeat("\n", 401)))).Count());

    [Theory]
    [InlineData("class FleetManager;", 1)]
    [InlineData("interface INodeHelper;", 1)]
    [InlineData("record NodeInfo;", 1)]
    [InlineData("enum DataCentre { A }", 0)]
    [InlineData("class ChoriaUtilAgent;", 0)]
    [InlineData("class NodeGrain;", 0)]
    [InlineData("class TurnDesk;", 1)]
    public void NameCheck_FindsTheBannedWord_AtTheEnd(string source, int faults) =>
        Assert.Equal(faults, NameCheck.Faults(Source(source)).Count());

    [Theory]
    [InlineData("// TO" + "DO: later", 1)]
    [InlineData("[Fact(Sk" + "ip = \"slow\")]", 1)]
    [InlineData("[Fact(Expl" + "icit = true)]", 1)]
    [InlineData("// what is to be done", 0)]
    [InlineData("rows.Skip(3)", 0)]
    public void LeftoverCheck_FindsWhatIsLeftForLater(string line, int faults) =>
        Assert.Equal(faults, LeftoverCheck.Faults("file", line).Count());

    [Theory]
    [InlineData("see `NodeGrain`", 0)]
    [InlineData("see `NodeGrain.Observe()`", 0)]
    [InlineData("see `NodeGrains`", 1)]
    [InlineData("see `INowhere`", 1)]
    [InlineData("set `Provisioning:SweepInterval`", 1)]
    [InlineData("`server.conf`, `Redis`, `CHORIA_EVENTS`, `README.md`, NodeGrains", 0)]
    public void DocumentCheck_FindsANameThatIsNotInTheCode(string text, int faults)
    {
        var identifiers = DocumentCheck.Identifiers([Source("class NodeGrain { void Observe() { } } // NodeGrains")]);

        Assert.Equal(faults, DocumentCheck.Faults("docs/A.md", text, identifiers).Count());
    }

    [Fact]
    public void MetricCheck_ComparesBothWays()
    {
        var made = MetricCheck.Made(Source("class A { object B = meter.CreateCounter<long>(\"controlplane.a.made\"); }"));
        var listed = MetricCheck.Listed("| `controlplane.a.listed` | counter |");

        Assert.Equal(
            [
                "controlplane.a.made: made in the code, not listed in docs/METRICS.md",
                "controlplane.a.listed: listed in docs/METRICS.md, not made in the code",
            ],
            MetricCheck.Faults(made, listed));
    }

    [Theory]
    [InlineData("rate(controlplane_a_b_total[5m])", 0)]
    [InlineData("controlplane_a_duration_seconds_bucket", 0)]
    [InlineData("sum(controlplane_a_c) + controlplane_a_b", 1)]
    public void MetricCheck_FindsQueries_ForWhatIsNotListed(string query, int faults) =>
        Assert.Equal(faults, MetricCheck.FaultsOfQueries("file", query, ["controlplane.a.b", "controlplane.a.duration"]).Count());

    [Fact]
    public void MetricCheck_RefusesAName_ThatCannotBeRead() =>
        Assert.NotEmpty(MetricCheck.Faults(MetricCheck.Made(Source("class A { object B = meter.CreateGauge<int>(Name); }")), []));

    [Theory]
    [InlineData("ControlPlane.GrainInterfaces", "Orleans.Core.Abstractions", 0)]
    [InlineData("ControlPlane.GrainInterfaces", "ControlPlane.Grains", 1)]
    [InlineData("ControlPlane.GrainInterfaces", "NATS.Client.Core", 1)]
    [InlineData("ControlPlane.Grains", "ControlPlane.GrainInterfaces", 0)]
    [InlineData("ControlPlane.Grains", "System.Net.Http", 1)]
    [InlineData("ControlPlane.Grains", "ControlPlane.Adapters.Choria", 1)]
    [InlineData("ControlPlane.Adapters.Choria", "ControlPlane.Grains", 1)]
    [InlineData("ControlPlane.Adapters.Choria", "NSec.Cryptography", 0)]
    [InlineData("ControlPlane.Adapters.Nats", "NATS.Client.Core", 0)]
    [InlineData("ControlPlane.Adapters.Nats", "ControlPlane.GrainInterfaces", 1)]
    [InlineData("ControlPlane.Adapters.Fleet", "ControlPlane.Adapters.Choria", 0)]
    [InlineData("ControlPlane.Adapters.Fleet", "ControlPlane.Adapters.Redis", 1)]
    [InlineData("ControlPlane.Adapters.Vault", "System.Net.Http", 0)]
    [InlineData("ControlPlane.Adapters.Vault", "ControlPlane.Adapters.Cfssl", 1)]
    [InlineData("ControlPlane.Adapters.Vault", "controlplane", 1)]
    public void Layers_FindAReference_ThatPointsTheWrongWay(string assembly, string reference, int faults) =>
        Assert.Equal(faults, Layers.Faults(assembly, [reference]).Count());

    [Theory]
    [InlineData("namespace A { class B; } namespace C { record B; }", 2)]
    [InlineData("namespace A { partial class B; } namespace A { partial class B; }", 0)]
    [InlineData("namespace A { class B { class C; } class D { class C; } }", 0)]
    public void DuplicateTypeCheck_FindsATypeName_ThatIsThereTwice(string source, int faults) =>
        Assert.Equal(faults, DuplicateTypeCheck.Faults([Source(source)]).Count());

    [Theory]
    [InlineData("\nusing System;\n// why\n/* and\nhow */\nclass A\n{\n    /// what\n    int b;\n}\n", 2)]
    [InlineData("using var a = b();\nusing (c)\n{ }\n};\n", 3)]
    public void CodeLines_CountsWhatIsCode(string source, int lines) => Assert.Equal(lines, CodeLines.Count(Source(source)));

    [Fact]
    public void Arrows_FindATypeOfAnotherRoom_ByWhatItIs_NotByItsName()
    {
        SourceFile[] files =
        [
            SourceFile.Parse("Grains/Own.cs", "namespace X; class Own;"),
            SourceFile.Parse("Grains/Here/A.cs", "namespace X; class A { B b; Own own; string C() => nameof(C); }"),
            SourceFile.Parse("Grains/There/B.cs", "namespace X; class B; class C;"),
        ];

        Assert.Equal([("Here", "There")], Arrows.Drawn(files, [typeof(object).Assembly.Location]).Keys);
    }

    [Fact]
    public void Arrows_FindACircle()
    {
        Assert.Empty(Arrows.Circles([new("A", "B", ""), new("B", "C", ""), new("A", "C", "")]));
        Assert.Equal(3, Arrows.Circles([new("A", "B", ""), new("B", "A", ""), new("A", "C", ""), new("D", "A", "")]).Count());
    }

    private static SourceFile Source(string text) => SourceFile.Parse("A.cs", text);
}

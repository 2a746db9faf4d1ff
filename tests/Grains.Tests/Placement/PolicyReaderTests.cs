using System.Diagnostics;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

public sealed class PolicyReaderTests
{
    internal const string Example = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: eu-default, version: 17, region: eu-west }
        spec:
          attributes:
            customer: { from: jwt.ext.customer,  type: string, trusted: true }
            service:  { from: enrolment.service, type: string, trusted: true }
            site:     { from: jwt.ext.site,      type: string, trusted: true }
            role:     { from: jwt.ext.role }
            uses:     { from: enrolment.uses,    type: list }
            expected: { from: enrolment.expectedNodes, type: number }
            os:       { from: facts.os.family,   type: string, trusted: false }
          capacity: { default: 20000, softLimit: 0.90, hardLimit: 0.98, reserveForGroups: declared }
          pins:
            - { match: 'node == "db01.example.net"', overlay: eu-w-003, reason: CHG-4471 }
          filters:
            - { name: same-site,     require: 'overlay.site == node.site' }
            - { name: accepting,     require: 'overlay.state == "Active"' }
            - { name: regulated,     when: 'node.customer in ["bank-a","bank-b"]', require: 'overlay.labels.pci == "true"' }
          groups:
            - { name: customer-service, key: [customer, service], mode: required, declaredSizeFrom: enrolment.expectedNodes }
            - { name: shared-db, with: { service: payments-db }, members: 'node.uses has "payments-db"', mode: preferred, weight: 60 }
            - { name: db-replicas, key: [service], when: 'node.role == "replica"', mode: spread, across: overlay, maxSkew: 1 }
          scores:
            - { name: headroom,  weight: 40, fn: headroom }
            - { name: stay-put,  weight: 100, fn: sticky }
            - { name: prefer-os, weight: 5,  prefer: 'overlay.labels.os == node.os' }
          tieBreak: rendezvous
          unplaceable: { action: defer, retryAfter: 60s, alertAfter: 10m }
          rebalance: { maxSkew: 1.15, maxMovesPerMinute: 200, window: "Sat 01:00-05:00 Europe/Dublin", approval: required }
        """;

    [Fact]
    public void Read_TakesTheWholeExample_WithoutAFault()
    {
        var reading = PolicyReader.Read(Example, "eu-west");

        Assert.Empty(reading.Faults);
        Assert.Equal(("eu-default", 17, 7, 3, 3, 3), (
            reading.Policy!.Name, reading.Policy.Version, reading.Policy.Attributes.Count, reading.Policy.Filters.Count,
            reading.Policy.Groups.Count, reading.Policy.Scores.Count));
    }

    [Theory]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.sight == overlay.site'", "unknown attribute 'sight'", 36)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.os == overlay.site'", "trusted attributes only", 36)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.site == 3'", "a text cannot be compared with a number", 46)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.site < overlay.site'", "only numbers have an order", 46)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.site == '", "expected a value, found the end", 49)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.site == overlay.colour'", "an overlay has no 'colour'", 49)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.size == \"x\"'", "unknown attribute 'size'", 36)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'matches(node.site, \"(a\")'", "linear time", 55)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'matches(node.site, \"(a)\\\\1\")'", "linear time", 55)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'matches(node.site, \"(a{99}){99}\")'", "counted repeats", 55)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'system(node.site)'", "'system' is unknown", 36)]
    [InlineData("require: 'node.site == overlay.site'", "require: 'node.site == \"a\" and node.site == \"b\"'",
        "rejects every overlay", 35)]
    [InlineData("require: 'node.site == overlay.site'", "requires: 'node.site == overlay.site'", "'requires' is unknown here", 26)]
    public void Read_NamesLineAndColumn_OfEveryFault(string good, string bad, string message, int column)
    {
        var text = Small.Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Small, text);

        var fault = Assert.Single(PolicyReader.Read(text, null).Faults, fault => fault.Message.Contains(message, StringComparison.Ordinal));

        Assert.Equal((9, column), (fault.Line, fault.Column));
    }

    [Fact]
    public void Read_ReportsFiltersThatContradict_AndPinsThatAreShadowed()
    {
        var text = Small + """

              - { name: east, require: 'overlay.site == "east"' }
              - { name: west, require: 'overlay.site in ["west", "south"]' }
              - { name: sometimes, when: 'node.site == "a"', require: 'overlay.site == "east"' }
            pins:
              - { match: 'node.site in ["a", "b"]', overlay: o1 }
              - { match: 'node.site == "b"', overlay: o2 }
              - { match: 'node.site == "c"', overlay: o3 }
          """;

        var faults = PolicyReader.Read(text, null).Faults.Select(fault => fault.Message).ToArray();

        Assert.Contains("filters 'east' and 'west' contradict each other: no overlay passes both", faults);
        Assert.Contains(faults, fault => fault.StartsWith("this pin is unreachable", StringComparison.Ordinal));
        Assert.Equal(3, faults.Length);
    }

    [Fact]
    public void Read_ReportsAllFaultsAtOnce()
    {
        var faults = PolicyReader.Read(
            "apiVersion: v0\nkind: Pod\nspec: { filters: [{ name: x }], scores: 7, capacity: { softLimit: 2 } }\n", null).Faults;

        Assert.True(faults.Count >= 5, string.Join('\n', faults));
    }

    [Fact]
    public void Read_AnswersFaultsAndNothingElse_ForAnyText() =>
        Gen.OneOf(
            Gen.String,
            Gen.Select(Gen.Int[0, Example.Length - 1], Gen.Int[0, 40], Gen.String, (at, cut, put) =>
                Example[..at] + put + Example[Math.Min(Example.Length, at + cut)..]),
            Gen.Select(Gen.Char["{}[]&*!|>'\"%@`:,-?#\n "].Array[0, 60], characters => new string(characters)))
        .Sample(text =>
        {
            var reading = PolicyReader.Read(text, "eu-west");
            Assert.Equal(reading.Policy is null, reading.Faults.Any(fault => !fault.IsWarning));
            Assert.All(reading.Faults, fault => Assert.True(fault is { Line: > 0, Column: > 0 }));
        }, iter: 3000);

    [Fact]
    public void Parse_AnswersAPredicateOrAFaultWithinTheText_ForAnyText() =>
        Gen.OneOf(
            Gen.String,
            Gen.Int[0, Words.Length - 1].Select(i => Words[i])
                .Array[0, 40].Select(parts => string.Join(' ', parts)))
        .Sample(text =>
        {
            try
            {
                PredicateParser.Parse(text);
            }
            catch (PredicateFaultException fault)
            {
                Assert.InRange(fault.At, 0, text.Length);
            }
        }, iter: 10_000);

    [Theory]
    [InlineData("|")]
    [InlineData(">")]
    public void Read_NamesTheLineAndColumn_InsideABlock(string style)
    {
        var text = Small.Replace("""
                - { name: same-site, require: 'node.site == overlay.site' }
            """, $"""
                - name: same-site
                  require: {style}
                    node.site == overlay.site and overlay.sites == "x"
            """, StringComparison.Ordinal);

        var fault = Assert.Single(PolicyReader.Read(text, null).Faults);

        Assert.Equal((11, 39), (fault.Line, fault.Column));
    }

    [Fact]
    public void Read_TakesBoundedTime_ForTheLargestPolicy()
    {
        var predicate = string.Join(" or ", Enumerable.Range(0, 60).Select(i => $"(node.site == \"s{i}\" and overlay.site != \"t{i}\")"));
        var rules = string.Join(
            '\n', Enumerable.Range(0, 64).Select(i => $"    - {{ name: f{i}, when: '{predicate[..1900]}x\"))', require: '{predicate}' }}"));
        var text = Small[..Small.LastIndexOf("    - {", StringComparison.Ordinal)] + rules;
        var began = Stopwatch.GetTimestamp();

        _ = PolicyReader.Read(text, null);

        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeMax);
    }

    [Theory]
    [InlineData('[')]
    [InlineData('{')]
    [InlineData('-')]
    [InlineData('(')]
    public void Read_TakesBoundedTime_ForDeepNesting(char bracket)
    {
        var began = Stopwatch.GetTimestamp();
        var deep = new string(bracket, 200_000);

        Assert.NotEmpty(PolicyReader.Read(deep, null).Faults);
        Assert.NotEmpty(PolicyReader.Read(Small.Replace("node.site == overlay.site", deep[..1900], StringComparison.Ordinal), null).Faults);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeMax);
    }

    [Fact]
    public void Read_RefusesAnchors_BecauseTheyMultiply() =>
        Assert.Contains(PolicyReader.Read("a: &a [x]\nb: [*a, *a]", null).Faults, fault =>
            fault.Message.Contains("anchors", StringComparison.Ordinal));

    [Theory]
    [InlineData("node == \"web1\"", true)]
    [InlineData("node.site == \"dub\" and not has(node.role)", true)]
    [InlineData("node.role != \"x\"", true)]
    [InlineData("node.role == \"x\" or node.expected > 9.5", true)]
    [InlineData("node.expected >= 10 && node.expected <= 10", true)]
    [InlineData("node.missing < 1 or node.missing >= 1", false)]
    [InlineData("node.uses has \"db\" and \"db\" in node.uses", true)]
    [InlineData("matches(node.site, \"^d[a-z]+$\")", true)]
    [InlineData("!(node.site in [\"cork\", \"dub\"])", false)]
    [InlineData("node.flag", true)]
    [InlineData("node.flag == false", false)]
    public void Compile_MeansWhatItSays(string text, bool expected)
    {
        AttributeRule[] attributes =
        [
            new("site", AttributeSource.Claims, ["site"], AttributeType.String),
            new("role", AttributeSource.Claims, ["role"], AttributeType.String),
            new("expected", AttributeSource.Claims, ["expected"], AttributeType.Number),
            new("missing", AttributeSource.Claims, ["missing"], AttributeType.Number),
            new("uses", AttributeSource.Claims, ["uses"], AttributeType.List),
            new("flag", AttributeSource.Claims, ["flag"], AttributeType.Boolean),
        ];
        var policy = PlacementPolicy.Default with { Attributes = attributes };
        var bag = AttributeBag.Read(policy, """{"site":"dub","expected":10,"uses":["web","db"],"flag":true}""", "{}", "{}");

        var predicate = new PredicateCompiler(new PredicateScope(attributes, false, true)).Compile(PredicateParser.Parse(text));

        Assert.Equal(expected, predicate(new Applicant("web1", bag), null));
        Assert.Equal(expected, predicate(new Applicant("web1", AttributeBag.Restore(policy, bag.Json)), null));
    }

    // Tells what is bounded from what is not, which would take hours; a busy machine takes its share of it.
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(1);

    private static readonly string[] Words =
    [
        "node", "overlay", ".", "a", "labels", "==", "!=", "<", "in", "has", "(", ")", "[", "]", ",", "\"x\"", "not", "and", "or",
            "matches", "1", "true",
    ];

    private const string Small = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: small }
        spec:
          attributes:
            site: { from: jwt.site }
            os: { from: facts.os }
          filters:
            - { name: same-site, require: 'node.site == overlay.site' }
        """;
}

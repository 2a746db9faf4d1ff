using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class NodeLayersTests
{
    private static readonly NodeSubject Node = new(
        "web1.example.net",
        "eu-1",
        new Dictionary<string, string> { ["zone"] = "b" },
        NodeProtocol.V2,
        """{"os":{"family":"RedHat"},"cpus":4,"roles":["web","db"],"long":"LONG","empty":null,"big":1e40}""",
        """{"extensions":{"customer":"acme"},"ou":"choria"}""");

    [Fact]
    public void Fill_MergesInTheOrderOfFilesAndLayers_AndSaysWhoSaidIt()
    {
        var draft = Read(
            ("10.yaml", """
                layers:
                - name: everybody
                  configuration: { loglevel: info, registerinterval: 300, gone: x }
                - name: acme
                  when: claim.extensions.customer == "acme"
                  configuration: { loglevel: debug, gone: "" }
                """),
            ("20.yaml", """
                layers:
                - name: others
                  when: claim.extensions.customer == "other"
                  configuration: { loglevel: fatal }
                - name: secrets
                  secrets: { plugin.nats.pass: /run/pass }
                  action_policies: { rpcutil.policy: "policy {{ overlay }}" }
                """)).Fill(Node);

        Assert.Equal(["loglevel", "plugin.nats.pass", "registerinterval"], draft.Settings.Keys);
        Assert.Equal(("debug", "10.yaml: acme"), (draft.Settings["loglevel"].Value, draft.Settings["loglevel"].Origin));
        Assert.Equal("(secret in /run/pass)", draft.Settings["plugin.nats.pass"].Shown("plugin.nats.pass"));
        Assert.Equal("policy eu-1", draft.ActionPolicies["rpcutil.policy"].Value);
    }

    [Theory]
    [InlineData("overlay == \"eu-1\"", true)]
    [InlineData("label.zone == \"b\" and protocol == \"v2\"", true)]
    [InlineData("fact.os.family == \"RedHat\" and fact.cpus > 3", true)]
    [InlineData("fact.roles contains \"db\"", true)]
    [InlineData("fact.roles contains \"dbs\"", false)]
    [InlineData("group.payments or group.redhat", true)]
    [InlineData("group.payments", false)]
    [InlineData("fact.absent == \"x\"", false)]
    [InlineData("\"x\" == fact.absent.deeper", false)]
    [InlineData("fact.absent contains \"x\"", false)]
    [InlineData("fact.absent > 3", false)]
    [InlineData("fact.absent", false)]
    [InlineData("fact.absent == nil and fact.empty == nil", true)]
    [InlineData("(overlay == \"x\" or fact.cpus == 4) and identity startswith \"web\"", true)]
    public void When_AsksOverlayGroupFactAndClaim(string condition, bool holds)
    {
        var layers = Read(("a.yaml", $$"""
            groups:
              payments: claim.extensions.team == "payments"
              redhat: fact.os.family == "RedHat"
            layers:
            - name: it
              when: '{{condition}}'
              configuration: { a: b }
            """));

        Assert.Equal(holds ? 1 : 0, layers.Fill(Node).Settings.Count);
    }

    [Theory]
    [InlineData("{{ fact.os.family | downcase }}", "redhat")]
    [InlineData("{{ fact.roles | join: \",\" }}", "web,db")]
    [InlineData("{{ fact.cpus | times: 2 }}", "8")]
    [InlineData("{{ fact.absent | default: \"x\" }}", "x")]
    [InlineData("{{ fact.absent.deeper | default: \"x\" | upcase }}", "X")]
    [InlineData("{% if fact.absent %}a{% else %}b{% endif %}", "b")]
    [InlineData("{% if fact.absent %}a{% endif %}", null)]
    [InlineData("{{ identity | replace: \".\", \"-\" }}", "web1-example-net")]
    [InlineData("{{ fact[\"os\"][\"family\"] }}", "RedHat")]
    [InlineData("{{ group.redhat }}", "true")]
    public void Values_HaveFunctions(string template, string? value) => Assert.Equal(value, FillOne(template));

    [Theory]
    [InlineData("{{ fact.os.familiy }}", "fact.os.familiy is missing")]
    [InlineData("{{ fact.empty }}", "fact.empty is missing")]
    [InlineData("{{ fact.long }}", "fact.long is missing")]
    [InlineData("{{ nothing }}", "nothing is missing")]
    [InlineData("{{ fact.absent | upcase }}", "fact.absent is missing")]
    [InlineData("{{ \"a\" | append: fact.absent }}", "fact.absent is missing")]
    [InlineData("{{ claim.extensions }}", "claim.extensions is an object, not a value")]
    [InlineData("{{ group.paiments }}", "there is no group.paiments")]
    [InlineData("{{ identity | nosuch }}", "nosuch")]
    public void WhatANodeDoesNotHave_IsAFault_ThatNamesFileLayerAndKey(string template, string fault)
    {
        var unfit = Assert.Throws<LayerException>(() => FillOne(template));

        Assert.StartsWith("a.yaml: it: 'key': ", unfit.Message, StringComparison.Ordinal);
        Assert.Contains(fault, unfit.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for i in (1..100000000) %}x{% endfor %}")]
    [InlineData("{% assign a = 1 %}")]
    [InlineData("{% capture a %}{% endcapture %}")]
    [InlineData("{% include \"/etc/passwd\" %}")]
    [InlineData("{% render \"x\" %}")]
    [InlineData("{{ (1..100000000) | join }}")]
    [InlineData("{{ identity")]
    [InlineData("{% if %}")]
    public void Read_RefusesWhatCouldCostMore_WithFileAndLine(string template)
    {
        var (layers, faults) = NodeLayers.Read([One(template)]);

        Assert.Null(layers);
        Assert.StartsWith("a.yaml:6: ", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ fact.x | replace: \"x\", fact.x }}")]
    [InlineData("{{ fact.x | append: fact.x | append: fact.x | append: fact.x }}")]
    [InlineData("{{ fact.x }}{{ fact.x }}{{ fact.x }}{{ fact.x }}")]
    public void Fill_StopsWhereANodesOwnWordsGrow(string template)
    {
        var layers = Read(One(template));
        var facts = $$"""{"x":"{{new string('x', 1000)}}"}""";

        Assert.Contains("more than 2048 characters", Assert.Throws<LayerException>(
            () => layers.Fill(Node with { FactsJson = facts })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layers:\n- name: a\n  configuraton: {}", "a.yaml:3: 'configuraton' is unknown here")]
    [InlineData("layers:\n- configuration: {}", "'name' is missing")]
    [InlineData("layers:\n- name: a\n  when: 'x %}{% endif %}'", "is not a condition")]
    [InlineData("layers:\n- name: a\n  when: 'fact.x =='", "is not a template")]
    [InlineData("layers:\n- name: a\n  configuration:\n    k: [ 1 ]", "must be a name and one value")]
    [InlineData("layers: 3", "'layers' is a list")]
    [InlineData("layers:\n- name: a\n  configuration: {k: *x}", "anchors and aliases are not taken")]
    [InlineData("- [", "a.yaml:")]
    public void Read_SaysWhatIsWrong(string text, string fault) =>
        Assert.Contains(NodeLayers.Read([new LayerFile("a.yaml", text)]).Faults, found => found.Contains(fault, StringComparison.Ordinal));

    /// <summary>Whatever layers there are, the last one that holds and says a key decides it.</summary>
    [Fact]
    public void Fill_IsTheLastWordOfEachKey()
    {
        var layer = Gen.Select(Gen.Bool, Gen.Dictionary(Gen.OneOf("a", "b", "c"), Gen.OneOf("", "1", "2", "3"))[0, 3]);
        Gen.Select(layer.Array[0, 6], Gen.Int[1, 3]).Sample((layers, files) =>
        {
            var texts = layers.Select((one, number) =>
                $"- name: l{number}\n  when: '{(one.Item1 ? "true" : "false")}'\n  configuration:\n"
                + (one.Item2.Count == 0 ? "    {}\n" : string.Concat(one.Item2.Select(line => $"    {line.Key}: '{line.Value}'\n"))));
            var read = Read([.. texts.Chunk(files).Select((chunk, number) => ($"{number:00}.yaml", "layers:\n" + string.Concat(chunk)))]);

            var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var (key, value) in layers.Where(one => one.Item1).SelectMany(one => one.Item2))
            {
                expected[key] = value;
            }

            Assert.Equal(
                expected.Where(line => line.Value.Length > 0),
                read.Fill(Node).Settings.Select(line => KeyValuePair.Create(line.Key, line.Value.Value)));
        });
    }

    [Theory]
    [InlineData("plugin.nats.pass", "hunter2", "(secret)")]
    [InlineData("plugin.choria.network.client_password", "hunter2", "(secret)")]
    [InlineData("plugin.choria.token", "hunter2", "(secret)")]
    [InlineData("plugin.security.choria.token_file", "/etc/choria/server.jwt", "/etc/choria/server.jwt")]
    [InlineData("plugin.security.file.key", "/etc/choria/ssl/private.pem", "/etc/choria/ssl/private.pem")]
    [InlineData("loglevel", "info", "info")]
    public void Shown_MasksWhatIsNamedLikeASecret(string key, string value, string shown)
    {
        var line = new NodeLine(value, "somebody");

        Assert.Equal(shown, line.Shown(key));
        Assert.Equal("somebody", line.ToString());
    }

    private static string? FillOne(string template) => Read(One(template)).Fill(
        Node with { FactsJson = Node.FactsJson.Replace("LONG", new string('x', 3000), StringComparison.Ordinal) })
        .Settings.GetValueOrDefault("key")?.Value;

    private static LayerFile One(string template) => new("a.yaml", $"""
        groups:
          redhat: fact.os.family == "RedHat"
        layers:
        - name: it
          configuration:
            key: '{template}'
        """);

    private static NodeLayers Read(params (string Name, string Text)[] files) =>
        Read([.. files.Select(file => new LayerFile(file.Name, file.Text))]);

    private static NodeLayers Read(params LayerFile[] files)
    {
        var (layers, faults) = NodeLayers.Read(files);
        Assert.Empty(faults);
        return layers!;
    }
}

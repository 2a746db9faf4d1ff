using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>One silo whose nodes are configured by layers, and who put off are asked again soon.</summary>
public sealed class LayeredCluster : NodeCluster
{
    public LayeredCluster()
    {
        Provisioning = options => (options.RetryDelay, options.RetryDelayMax) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        Layers.Secrets["/run/pass"] = "hunter2";
    }

    /// <summary>An operator writes the layers; they are in force when this returns.</summary>
    internal void Write(string layers)
    {
        Layers.Files = [new LayerFile("10.yaml", $"layers:\n{layers}")];
        Service<NodeLayersReload>().Reload();
    }
}

public sealed class NodeConfigurationTests(LayeredCluster cluster) : IClassFixture<LayeredCluster>
{
    private const string Base = """
        - name: everybody
          configuration: { registerinterval: "300", plugin.yaml: "/etc/{{ fact.os }}.yaml" }
        - name: acme
          when: claim.extensions.customer == "acme" and overlay == "overlay-1"
          configuration: { loglevel: debug }
          secrets: { plugin.nats.pass: /run/pass }
          opa_policies: { default.rego: "package x # {{ identity }}" }
        """;

    [Fact]
    public async Task ANode_IsConfiguredByItsLayers_AndItsViewHidesSecrets()
    {
        const string identity = "layered.example.net";
        cluster.Write(Base);
        await Enrol(identity);

        var sent = cluster.Nodes[identity].Configuration!;
        Assert.Equal(
            ("/etc/Debian.yaml", "debug", "hunter2"),
            (sent.Settings["plugin.yaml"], sent.Settings["loglevel"], sent.Settings["plugin.nats.pass"]));
        Assert.Equal("package x # layered.example.net", sent.OpaPolicies["default.rego"]);

        var view = (await cluster.Node(identity).ViewConfiguration())!;
        Assert.All(view.Settings, line => Assert.Equal(line.Sent, line.Value));
        Assert.Equal("(secret in /run/pass)", Line(view, "plugin.nats.pass").Value);
        Assert.Equal(
            ("10.yaml: acme", "enrolment"), (Line(view, "loglevel").Origin, Line(view, "plugin.choria.server.provision").Origin));
        Assert.DoesNotContain("hunter2", view.ToString(), StringComparison.Ordinal);
        Assert.Empty(view.Notes);
    }

    [Fact]
    public async Task TheView_ShowsWhatWouldChange_AndSurvivesTheGrain()
    {
        const string identity = "changed.example.net";
        cluster.Write(Base);
        await Enrol(identity);
        await cluster.DeactivateAll();
        cluster.Write("- name: new\n  configuration: { loglevel: warn, extra: \"1\" }");

        var view = (await cluster.Node(identity).ViewConfiguration())!;

        Assert.Equal(("warn", "debug"), (Line(view, "loglevel").Value, Line(view, "loglevel").Sent));
        Assert.Equal(("1", null), (Line(view, "extra").Value, Line(view, "extra").Sent));
        Assert.Equal((null, "300"), (Line(view, "registerinterval").Value, Line(view, "registerinterval").Sent));
    }

    [Fact]
    public async Task FilesWithFaults_LeaveInForce_WhatWasReadBefore()
    {
        const string identity = "lastgood.example.net";
        cluster.Write(Base);
        cluster.Write("- name: it\n  configuration: { loglevel: '{{ unclosed' }");
        await Enrol(identity);

        Assert.Equal("debug", cluster.Nodes[identity].Configuration!.Settings["loglevel"]);
        Assert.Contains(
            "10.yaml:3", Assert.Single((await cluster.Node(identity).ViewConfiguration())!.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALayerThatDoesNotFit_PutsTheNodeOff_AndCostsItNoKey()
    {
        const string identity = "unfit.example.net";
        cluster.Write("- name: it\n  configuration: { a: '{{ fact.rack }}' }");
        await cluster.Start(identity);
        var waiting = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Contains("10.yaml: it: 'a': fact.rack is missing", waiting.Reason, StringComparison.Ordinal);

        cluster.Write("- name: it\n  configuration: { a: '{{ fact.rack | default: 1 }}' }");
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);

        Assert.Equal("1", cluster.Nodes[identity].Configuration!.Settings["a"]);
        Assert.Equal(1, (await cluster.Node(identity).Get()).Attempt);
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "gencsr");
    }

    [Fact]
    public async Task ASecretThatCannotBeRead_PutsTheNodeOff()
    {
        const string identity = "secretless.example.net";
        cluster.Write("- name: it\n  secrets: { plugin.nats.pass: /run/none }");
        await cluster.Start(identity);

        var waiting = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);

        Assert.Contains("10.yaml: it: 'plugin.nats.pass': the secret cannot be read", waiting.Reason, StringComparison.Ordinal);
    }

    private static ConfigurationLine Line(NodeConfigurationView view, string key) => Assert.Single(view.Settings, line => line.Key == key);

    private async Task Enrol(string identity)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
    }
}

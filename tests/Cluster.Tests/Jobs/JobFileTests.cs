using System.Text.Json.Nodes;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

public sealed class JobFileTests
{
    [Fact]
    public void Read_MakesOfYaml_WhatJsonSays()
    {
        var (job, fault) = JobFile.Read("""
            # A canary, then the rest.
            agent: puppet
            action: runonce
            inputs: { force: true, splay: 1.5, version: "7", id: 007, none: ~ }
            targets:
              filter: country=uk and not role::db
              seed: 4
            stages:
              - { name: canary, size: 5%, bake: 10m, gate: webHook, webHook: board }
              - { name: some, size: 50 }
              - name: rest
            window: { from: 22:00, to: "04:00" }
            retry: { on: [failed] }
            notify: { webHooks: [chat], nats: true }
            """);

        Assert.Null(fault);
        var expected = JsonNode.Parse("""
            {
              "agent": "puppet", "action": "runonce",
              "inputs": { "force": true, "splay": 1.5, "version": "7", "id": "007", "none": null },
              "targets": { "filter": "country=uk and not role::db", "seed": 4 },
              "stages": [ { "name": "canary", "size": "5%", "bake": "10m", "gate": "webHook", "webHook": "board" }, { "name": "some", "size": 50 }, { "name": "rest" } ],
              "window": { "from": "22:00", "to": "04:00" }, "retry": { "on": [ "failed" ] },
              "notify": { "webHooks": [ "chat" ], "nats": true }
            }
            """);
        Assert.Equal(expected!.ToJsonString(), job!.ToJsonString());
    }

    [Fact]
    public void Read_TakesJson()
    {
        const string json = """{"agent":"rpcutil","action":"ping","targets":{"all":true,"max":100},"inputs":{"a":[1,-2.5,"3",false,null]}}""";

        Assert.Equal(json, JobFile.Read(json).Job!.ToJsonString());
    }

    [Theory]
    [InlineData("", 1, "is empty")]
    [InlineData("- a", 1, "must be a mapping")]
    [InlineData("a: [", 2, "")]
    [InlineData("a: 1\n? [b]\n: 2", 2, "must be a name")]
    public void Read_SaysWhereAFileIsNone(string text, int line, string message)
    {
        var (job, fault) = JobFile.Read(text);

        Assert.Null(job);
        Assert.Equal(line, fault!.Line);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FaultOrNull_TakesTexts_AndJsonAfterAColon()
    {
        Assert.Null(RpcInputs.FaultOrNull(["a=1", "b:=1", "c:=[true]", "d=", "e=x=y", "f:=\"t\""], out var inputs));

        Assert.Equal("""{"a":"1","b":1,"c":[true],"d":"","e":"x=y","f":"t"}""", inputs.GetRawText());
    }

    [Theory]
    [InlineData("a", "'a' is no input")]
    [InlineData("=a", "'=a' is no input")]
    [InlineData("a:=x", "is not JSON after ':='")]
    public void FaultOrNull_SaysWhatIsNoInput(string word, string fault) =>
        Assert.Contains(fault, RpcInputs.FaultOrNull([word], out _), StringComparison.Ordinal);

    [Fact]
    public void FaultOrNull_RefusesAnInputTwice() =>
        Assert.Equal("the input 'a' is given twice", RpcInputs.FaultOrNull(["a=1", "a:=2"], out _));

    [Fact]
    public void Take_GivesTheSameNodes_ForTheSameSeed()
    {
        string[] nodes = [.. Enumerable.Range(0, 1000).Select(number => $"n{number}")];

        Assert.Equal(["n0", "n1", "n10"], RpcTargets.Take(nodes, "3", null));
        Assert.Equal(50, RpcTargets.Take(nodes, "5%", 7).Count);
        Assert.Equal(RpcTargets.Take(nodes, "5%", 7), RpcTargets.Take([.. nodes.Reverse()], "5%", 7));
        Assert.NotEqual(RpcTargets.Take(nodes, "5%", 7), RpcTargets.Take(nodes, "5%", 8));
        Assert.Equal(1000, RpcTargets.Take(nodes, "5000", null).Count);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("101%")]
    [InlineData("x")]
    [InlineData("5%")]
    public void Take_RefusesWhatIsNoLimit_OrLeavesNobody(string limit) =>
        Assert.Throws<IOException>(() => RpcTargets.Take(["n1", "n2"], limit, null));
}

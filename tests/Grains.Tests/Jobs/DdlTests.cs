using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

public sealed class DdlTests
{
    private const string Package = """
        {
          "metadata": {"name": "package", "description": "Packages", "version": "5.4.0", "timeout": 180, "license": "Apache-2.0"},
          "actions": [
            {
              "action": "install", "description": "Installs", "display": "failed",
              "input": {
                "package": {"description": "The package", "type": "string", "validation": "shellsafe", "maxlength": 8, "optional": false},
                "version": {"description": "The version", "type": "string", "validation": "^\\d+(\\.\\d+)*$", "optional": true},
                "retries": {"prompt": "Retries", "description": "How often", "type": "integer", "default": 3, "optional": true},
                "share": {"prompt": "Share", "description": "Of them", "type": "float", "optional": true},
                "force": {"prompt": "Force", "description": "At any price", "type": "boolean", "default": false, "optional": false},
                "channel": {"prompt": "Channel", "description": "From where", "type": "list", "list": ["stable", "edge"], "optional": true},
                "options": {"prompt": "Options", "description": "Others", "type": "Hash", "optional": true},
                "hosts": {"prompt": "Hosts", "description": "Others", "type": "Array", "optional": true},
                "mirror": {"description": "Its address", "type": "string", "validation": "ipv4address", "optional": true}
              },
              "output": {
                "ensure": {"description": "What is there", "display_as": "Ensure", "type": "string", "default": "unknown"},
                "size": {"description": "Bytes", "display_as": "Size", "type": "integer"},
                "parts": {"description": "Parts"}
              },
              "aggregate": [
                {"function": "summary", "args": ["ensure", {"format": "%s on %d nodes"}]},
                {"function": "average", "args": ["size"]},
                {"function": "sum", "args": ["size"]},
                {"function": "summary", "args": ["parts"]},
                {"function": "chart", "args": ["size"]}
              ]
            },
            {"action": "count", "description": "Counts", "input": {}, "output": {}, "display": "always"}
          ]
        }
        """;

    private static AgentDdl Ddl => Read(Package).Ddl!;

    [Fact]
    public void Read_TakesAllThatADdlSays()
    {
        var ddl = Ddl;
        var install = ddl.Actions["install"];

        Assert.Equal(("package", "5.4.0", TimeSpan.FromMinutes(3), false), (ddl.Name, ddl.Version, ddl.Timeout, ddl.IsService));
        Assert.Equal((DdlDisplay.Failed, DdlDisplay.Always), (install.Display, ddl.Actions["count"].Display));
        Assert.Equal(
            [
                DdlType.Text, DdlType.Text, DdlType.Integer, DdlType.Number, DdlType.Boolean, DdlType.Choice, DdlType.Object, DdlType.Array,
                DdlType.Text,
            ],
            install.Inputs.Values.Select(input => input.Type));
        Assert.Equal(["Ensure", "Size", "parts"], install.Outputs.Select(output => output.DisplayAs));
        Assert.Equal(new DdlAggregate("summary", "ensure", "%s on %d nodes"), install.Aggregates[0]);
    }

    [Theory]
    [InlineData("\"type\": \"integer\", \"default\": 3", "\"type\": \"whole\"", "actions[0].input.retries.type")]
    [InlineData("\"default\": 3", "\"default\": \"three\"", "actions[0].input.retries.default")]
    [InlineData("\"list\": [\"stable\", \"edge\"]", "\"list\": []", "actions[0].input.channel.list")]
    [InlineData("(\\\\.\\\\d+)*", "(", "actions[0].input.version.validation")]
    [InlineData("\"optional\": false", "\"optional\": \"no\"", "actions[0].input.package.optional")]
    [InlineData("\"maxlength\": 8", "\"maxlength\": \"8\"", "actions[0].input.package.maxlength")]
    [InlineData("[\"size\"]", "[\"weight\"]", "actions[0].aggregate[1].args")]
    [InlineData("\"display\": \"always\"", "\"display\": \"never\"", "actions[1].display")]
    [InlineData("\"action\": \"count\"", "\"action\": \"install\"", "actions[1].action")]
    [InlineData("\"name\": \"package\", ", "", "metadata.name")]
    [InlineData("\"actions\": [", "\"actions\": [7,", "actions[0].action")]
    [InlineData("{\n  \"metadata\"", "[", "is not JSON")]
    public void Read_NamesTheFieldOfEachFault(string from, string to, string field)
    {
        Assert.Contains(from, Package, StringComparison.Ordinal);
        var at = Package.IndexOf(from, StringComparison.Ordinal);

        var read = Read(Package.Remove(at, from.Length).Insert(at, to));

        Assert.Null(read.Ddl);
        Assert.Contains(read.Faults, fault => fault.StartsWith(field, StringComparison.Ordinal));
    }

    [Fact]
    public void Check_FillsInDefaults_AndLeavesWhatWasGiven()
    {
        var inputs = new JsonObject { ["package"] = "nginx", ["retries"] = 4.0, ["hosts"] = new JsonArray("a") };

        var check = DdlInputs.Check(Ddl, "install", inputs);

        Assert.Empty(check.Faults);
        Assert.Equal("""{"package":"nginx","retries":4,"hosts":["a"],"force":false}""", check.Inputs!.ToJsonString());
    }

    [Theory]
    [InlineData("""{}""", "input 'package' is missing: give a text")]
    [InlineData("""{"package":7}""", "input 'package' is '7': give a text")]
    [InlineData("""{"package":null}""", "input 'package' is null: give a text")]
    [InlineData("""{"package":"nginx-extras"}""", "input 'package' has 12 bytes: give at most 8")]
    [InlineData("""{"package":"a;b"}""", "input 'package' holds ';'")]
    [InlineData("""{"package":"a","version":"new"}""", "input 'version' is 'new': give a text that matches")]
    [InlineData("""{"package":"a","retries":1.5}""", "input 'retries' is '1.5': give a whole number")]
    [InlineData("""{"package":"a","share":"half"}""", "input 'share' is 'half': give a number")]
    [InlineData("""{"package":"a","force":"yes"}""", "input 'force' is 'yes': give true or false")]
    [InlineData("""{"package":"a","channel":"beta"}""", "input 'channel' is 'beta': give one of stable, edge")]
    [InlineData("""{"package":"a","options":[1]}""", "input 'options' is '[1]': give a JSON object")]
    [InlineData("""{"package":"a","hosts":{}}""", "input 'hosts' is '{}': give a JSON list")]
    [InlineData("""{"package":"a","mirror":"::1"}""", "input 'mirror' is '::1': give an IPv4 address")]
    [InlineData("""{"package":"a","colour":"red"}""", "input 'colour' is not one of install: give channel, force,")]
    public void Check_NamesTheInput_TheProblem_AndTheRemedy(string inputs, string fault)
    {
        var check = DdlInputs.Check(Ddl, "install", JsonNode.Parse(inputs)!.AsObject());

        Assert.Null(check.Inputs);
        Assert.StartsWith(fault, Assert.Single(check.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_TellsAllFaultsAtOnce_AndOfActionsThatAreNot()
    {
        Assert.Equal(3, DdlInputs.Check(Ddl, "install", new JsonObject { ["retries"] = "x", ["colour"] = 1 }).Faults.Count);
        Assert.Contains("give one of count, install", Assert.Single(DdlInputs.Check(Ddl, "remove", []).Faults), StringComparison.Ordinal);
        var none = DdlInputs.Check(Ddl, "count", new JsonObject { ["x"] = 1 });
        Assert.Contains("it takes none", Assert.Single(none.Faults), StringComparison.Ordinal);
        Assert.Empty(DdlInputs.Check(Ddl, "count", new JsonObject { ["process_results"] = true }).Faults);
    }

    [Fact]
    public void Read_MakesOfTextsWhatTheDdlSays()
    {
        var check = DdlInputs.Read(Ddl, "install", new JsonObject
        {
            ["package"] = "nginx", ["retries"] = "5", ["share"] = 0.5, ["force"] = "true", ["options"] = """{"a":1}""", ["hosts"] = "[1]",
        });
        var wrong = DdlInputs.Read(Ddl, "install", new JsonObject { ["retries"] = "some", ["options"] = "[1]" });

        Assert.Equal(
            """{"package":"nginx","retries":5,"share":0.5,"force":true,"options":{"a":1},"hosts":[1]}""", check.Inputs!.ToJsonString());
        Assert.Equal(
            [
                "input 'retries' is 'some': give a whole number", "input 'options' is '[1]': give a JSON object",
                "input 'package' is missing: give a text",
            ],
            wrong.Faults);
    }

    [Fact]
    public void Aggregates_SumUpReplies_AsTheDdlAsks()
    {
        var aggregates = new DdlAggregates(Ddl.Actions["install"]);
        string[] replies =
        [
            """{"ensure":"1.0","size":10,"parts":["a","b"]}""",
            """{"ensure":"1.0","size":"20","parts":["a"]}""",
            """{"ensure":"2.0","size":"?"}""",
            "[]",
        ];
        foreach (var reply in replies)
        {
            using var data = JsonDocument.Parse(reply);
            aggregates.Add(data.RootElement);
        }

        var results = aggregates.Results;

        Assert.Equal(["summary", "average", "sum", "summary"], results.Select(one => one.Function));
        Assert.Equal([new DdlFigure("1.0", 2), new DdlFigure("2.0", 1)], results[0].Figures);
        Assert.Equal([new DdlFigure("15", 2)], results[1].Figures);
        Assert.Equal([new DdlFigure("30", 2)], results[2].Figures);
        Assert.Equal([new DdlFigure("a", 2), new DdlFigure("b", 1)], results[3].Figures);
        Assert.Equal("Ensure", results[0].DisplayAs);
    }

    [Fact]
    public void Aggregates_KeepNoMoreValuesThanFit()
    {
        var aggregates = new DdlAggregates(Ddl.Actions["install"]);
        for (var node = 0; node < 1200; node++)
        {
            using var data = JsonDocument.Parse($$"""{"ensure":"{{node}}"}""");
            aggregates.Add(data.RootElement);
        }

        Assert.Equal((1000, 200), (aggregates.Results[0].Figures.Count, aggregates.Results[0].MoreValues));
    }

    private static DdlRead Read(string json) => DdlReader.Read(Encoding.UTF8.GetBytes(json));
}

using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.FleetSimulator.Broker;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>What a node says to its broker before anything else: byte for byte what the captured agents said.</summary>
public sealed class ConnectCaptureTests
{
    private static readonly DateTimeOffset Captured = new(2026, 11, 22, 18, 40, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("v1-plain-nats")]
    [InlineData("v2-plain-nats")]
    [InlineData("v1-x509")]
    [InlineData("v2-issuer")]
    public async Task Lines_AreTheCapturedOnes_WhenTheNodeIsUnprovisioned(string folder)
    {
        var lines = LinesOf(folder, "provisioning.");
        await using var node = CapturedNode.Unprovisioned(folder, "node1.example.net", Captured, InfoOf(lines));
        await node.Runner.StartAsync();

        AssertSent(lines, node);
    }

    [Theory]
    [InlineData("v1-plain-nats", null)]
    [InlineData("v2-plain-nats", null)]
    [InlineData("v1-x509", null)]
    [InlineData("v2-issuer", "server-first")]
    public async Task Lines_AreTheCapturedOnes_WhenTheNodeIsProvisioned(string folder, string? credentials)
    {
        var lines = LinesOf(folder, "mcollective.");
        await using var node = CapturedNode.Provisioned(folder, "node1.example.net", Captured, InfoOf(lines), credentials);
        await node.Runner.StartAsync();

        // The nonce is the captured one and ed25519 is deterministic: even the signature is equal.
        AssertSent(lines, node);
    }

    [Fact]
    public void Write_PutsUserAndPasswordBesideTheToken_WhenTheTokenHasThem()
    {
        var captured = Captures.Lines("extras", "connect.jsonl")
            .First(line => line["op"]!.GetValue<string>() == "CONNECT" && line["decoded"]!["user"] is not null)["args"]!.GetValue<string>();
        var connect = JsonNode.Parse(captured)!;
        var credentials = new Credentials(connect["name"]!.GetValue<string>())
        {
            Token = connect["auth_token"]!.GetValue<string>(),
            User = connect["user"]!.GetValue<string>(),
            Password = connect["pass"]!.GetValue<string>(),
        };

        Assert.Equal($"CONNECT {captured}\r\n", System.Text.Encoding.UTF8.GetString(ConnectLine.Write(credentials, nonce: null)));
    }

    // One connection of the node: the first whose subscriptions are in the collective.
    private static List<JsonNode> LinesOf(string folder, string collective) => Captures.Lines(folder, "connect.jsonl")
        .GroupBy(line => $"{line["part"]} {line["conn"]}")
        .Select(connection => connection.ToList())
        .First(connection => connection.Any(line =>
            line["op"]!.GetValue<string>() == "SUB" && Args(line).StartsWith($"{collective}node.node1.", StringComparison.Ordinal)));

    private static string InfoOf(List<JsonNode> lines) => Args(lines.First(line => line["op"]!.GetValue<string>() == "INFO"));

    private static void AssertSent(List<JsonNode> lines, CapturedNode node)
    {
        var sent = lines.Where(line => line["dir"]!.GetValue<string>() == "C").Take(6).ToList();
        Assert.Equal(6, sent.Count);
        foreach (var line in sent)
        {
            Assert.Equal($"{line["op"]!.GetValue<string>()} {Args(line)}", node.Broker.NextLine());
        }
    }

    private static string Args(JsonNode line) => line["args"]!.GetValue<string>();
}

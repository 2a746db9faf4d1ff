using System.Globalization;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria.Tests;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>
/// The captured requests, sent again to a simulated node that is configured as the captured one was: it answers what that answered,
/// in all layers, and is silent where that was silent. So passing against the simulator means something.
/// </summary>
public sealed class AgentCaptureTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(150);

    public static TheoryData<string, string> UnprovisionedNodes { get; } = new()
    {
        { "v1-plain-nats", "node1.example.net" },
        { "v2-plain-nats", "node1.example.net" },
        { "v2-plain-nats", "node2.example.net" },
        { "v1-x509", "node1.example.net" },
        { "v1-x509", "node2.example.net" },
        { "v2-issuer", "node1.example.net" },
        { "v2-variants", "secure.example.net" },
        { "v2-variants", "locked.example.net" },
        { "v2-variants", "defer.example.net" },
        { "v2-variants", "halt.example.net" },
        { "v2-variants", "stillprov.example.net" },
        { "v2-variants", "badconf.example.net" },
        { "v2-variants", "good.example.net" },
    };

    public static TheoryData<string, string> ProvisionedNodes { get; } = new()
    {
        { "v1-plain-nats", "node1.example.net" },
        { "v2-plain-nats", "node1.example.net" },
        { "v1-x509", "node1.example.net" },
        { "v2-issuer", "node1.example.net" },
    };

    [Theory]
    [MemberData(nameof(UnprovisionedNodes))]
    public async Task Answers_AreTheCapturedOnes_WhileTheNodeIsBeingProvisioned(string folder, string identity)
    {
        var messages = TimedMessages(folder);
        var requests = Requests(messages, identity, "provisioning.", "startup.provision_mode_server");
        Assert.NotEmpty(requests);
        await using var node = CapturedNode.Unprovisioned(folder, identity, requests[0].Time.AddSeconds(-1));
        await node.Runner.StartAsync();
        AssertEvent(messages, identity, "startup.provision_mode_server", node);

        foreach (var request in requests)
        {
            if (BringsAKey(request.Message))
            {
                return;
            }

            if (await ReplayAsync(request, messages, identity, node) is "restart" or "shutdown")
            {
                return;
            }
        }
    }

    [Theory]
    [MemberData(nameof(ProvisionedNodes))]
    public async Task Answers_AreTheCapturedOnes_OnceTheNodeIsProvisioned(string folder, string identity)
    {
        var messages = TimedMessages(folder);
        var requests = Requests(messages, identity, "mcollective.", "startup.server");
        Assert.NotEmpty(requests);
        await using var node = CapturedNode.Provisioned(folder, identity, requests[0].Time.AddSeconds(-1));
        await node.Runner.StartAsync();
        AssertEvent(messages, identity, "startup.server", node);

        foreach (var request in requests)
        {
            if (await ReplayAsync(request, messages, identity, node) is "reprovision")
            {
                return;
            }
        }
    }

    /// <summary>Delivers one request; returns the action after which the node goes away, if it was one.</summary>
    private static async Task<string?> ReplayAsync(
        (CapturedMessage Message, DateTimeOffset Time) request,
        IReadOnlyList<(CapturedMessage Message, DateTimeOffset Time)> messages,
        string identity,
        CapturedNode node)
    {
        if (request.Time > node.Clock.GetUtcNow())
        {
            node.Clock.SetUtcNow(request.Time);
        }

        await node.Broker.DeliverAsync(request.Message.Subject, request.Message.Payload);
        var headers = request.Message.Decoded["transport"]!["headers"]!;
        var replySubject = (headers["reply"] ?? headers["reply-to"])!.GetValue<string>();
        var captured = messages.FirstOrDefault(
            message => message.Message.Subject == replySubject && SenderOf(message.Message) == identity);
        if (captured.Message is null)
        {
            Assert.True(node.Broker.PublishedNothing(Silence), $"the agent was silent to {request.Message}");
            return null;
        }

        var action = captured.Message.Decoded["body"] is JsonObject body ? body["action"]!.GetValue<string>() : null;
        var succeeded = captured.Message.Kind.EndsWith("statuscode=0", StringComparison.Ordinal);
        if (succeeded && action is "configure" or "restart" or "reprovision" && succeeded)
        {
            var kind = action == "configure" ? "provisioned" : "shutdown";
            var isProvisioning = request.Message.Subject.StartsWith("provisioning", StringComparison.Ordinal);
            var component = isProvisioning ? "provision_mode_server" : "server";
            AssertEvent(messages, identity, $"{kind}.{component}", node);
        }

        var published = node.Broker.NextPublication($"no answer to {request.Message}");
        Assert.Equal(replySubject, published.Subject);
        var expected = OpenedMessage.Of(captured.Message.Payload, CapturedNode.CapturedBroker);
        Assert.Equal(expected, OpenedMessage.Of(published.Payload, node.Broker.Url));
        return succeeded ? action : null;
    }

    private static void AssertEvent(
        IReadOnlyList<(CapturedMessage Message, DateTimeOffset Time)> messages, string identity, string kind, CapturedNode node)
    {
        var captured = messages.First(message => IsEvent(message.Message, identity, kind)).Message;
        var published = node.Broker.NextPublication($"no event {kind}");
        Assert.Equal(captured.Subject, published.Subject);
        Assert.Equal(OpenedMessage.Of(captured.Payload, CapturedNode.CapturedBroker), OpenedMessage.Of(published.Payload, node.Broker.Url));
    }

    private static List<(CapturedMessage Message, DateTimeOffset Time)> TimedMessages(string folder) =>
        [.. Captures.Messages(folder).Select(message => (message, TimeOf(message)))];

    // Encrypted for an exchange key that only the captured agent had.
    private static bool BringsAKey(CapturedMessage request) =>
        request.Decoded["body"] is JsonObject body && body["data"]?["key"]?.GetValue<string>().Length > 0;

    private static List<(CapturedMessage Message, DateTimeOffset Time)> Requests(
        IReadOnlyList<(CapturedMessage Message, DateTimeOffset Time)> messages, string identity, string collective, string startup) =>
        [.. messages.SkipWhile(message => !IsEvent(message.Message, identity, startup))
            .Where(message => message.Message.Kind.Contains(".request", StringComparison.Ordinal)
            && (message.Message.Subject == $"{collective}node.{identity}"
                || message.Message.Subject.StartsWith($"{collective}broadcast.agent.discovery", StringComparison.Ordinal)))
            .OrderBy(message => message.Time)];

    private static DateTimeOffset TimeOf(CapturedMessage message) =>
        DateTimeOffset.Parse(message.Decoded["ts"]!.GetValue<string>(), CultureInfo.InvariantCulture);

    private static bool IsEvent(CapturedMessage message, string identity, string kind) =>
        message.Subject == $"choria.lifecycle.event.{kind}"
        && message.Decoded["event"]!["subject"]?.GetValue<string>() == identity;

    private static string? SenderOf(CapturedMessage message)
    {
        var headers = message.Decoded["transport"]?["headers"];
        return (headers?["sender"] ?? headers?["mc_sender"])?.GetValue<string>();
    }
}

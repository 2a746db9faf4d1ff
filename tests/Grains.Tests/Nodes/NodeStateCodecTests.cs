using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Nodes;

/// <summary>What is stored of a node comes back from the codec that stores it: not every collection does.</summary>
public sealed class NodeStateCodecTests
{
    [Fact]
    public void AState_ComesBackWhole()
    {
        using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        var line = new NodeLine("300", "10.yaml: everybody");
        var draft = NodeDraft.Empty with
        {
            Settings = NodeDraft.Empty.Settings.Add("b", line).Add("a", line with { IsSecret = true }),
            OpaPolicies = NodeDraft.Empty.OpaPolicies.Add("default.rego", line),
        };
        var sent = new SentConfiguration { Settings = draft.Settings, ClaimsJson = """{"ou":"choria"}""", Directory = "/etc/choria" };
        var pending = new PendingCredentials { KeyedAt = DateTimeOffset.UnixEpoch, Draft = draft, Sent = sent };
        var state = new NodeState
        {
            Pending = pending,
            Held = new HeldCredentials(null, null, null, null, DateTimeOffset.UnixEpoch) { Sent = sent },
        };

        var restored = serializer.Deserialize<NodeState>(serializer.SerializeToArray(state))!;

        Assert.Equal(["a", "b"], restored.Pending!.Draft!.Settings.Keys);
        Assert.Equal(line with { IsSecret = true }, restored.Pending.Draft.Settings["a"]);
        Assert.Equal(line, restored.Pending.Draft.OpaPolicies["default.rego"]);
        Assert.Empty(restored.Pending.Draft.ActionPolicies);
        Assert.Equal(sent.Settings, restored.Held!.Sent!.Settings);
        Assert.Equal((sent.ClaimsJson, sent.Directory), (restored.Held.Sent.ClaimsJson, restored.Held.Sent.Directory));
    }
}

using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>The subjects of kept messages, some of which may be somebody else's.</summary>
public sealed class StateSubjectTests
{
    [Theory]
    [InlineData("controlplane.eu.state.k6c.k77656231", "web1")]
    [InlineData("controlplane.eu.state.k6c.k", "")]
    [InlineData("controlplane.eu.state.k6c.k7", null)]
    [InlineData("controlplane.eu.state.k6c.kzz", null)]
    [InlineData("controlplane.eu.state.k6c.web1", null)]
    [InlineData("controlplane.eu.state.k6c.", null)]
    [InlineData("", null)]
    public void KeyOrNull_ReadsOurOwn_AndLeavesOutTheOthers(string subject, string? key) =>
        Assert.Equal(key, OverlayStreams.KeyOrNull(subject));

    /// <summary>Why what we keep is in no key-value bucket: Choria lets whoever may use streams write to each of those.</summary>
    [Fact]
    public void WhatWeKeep_CannotBeWritten_ByWhoMayUseStreams()
    {
        var user = BrokerRights.Client(new ClientClaims
        {
            CallerId = "up=somebody", Permissions = new ClientPermissions { StreamsUser = true },
        });
        var kept = OverlayStreams.SubjectsOf("eu-1").Append(new ProviderNames("eu-1", "fleet").StateSubjects);

        Assert.True(user.MayPublish("$KV.controlplane_eu-1_state.k6c.k77"));
        Assert.All(kept, subject => Assert.False(user.MayPublish(subject)));
    }
}

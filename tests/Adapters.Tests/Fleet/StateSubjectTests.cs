using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>The subjects of what is stored, some of which may be somebody else's.</summary>
public sealed class StateSubjectTests
{
    [Theory]
    [InlineData("controlplane.eu.state.l.web1", "web1")]
    [InlineData("controlplane.eu.state.l.web1=2Eexample", "web1.example")]
    [InlineData("controlplane.eu.state.l.=", "")]
    [InlineData("controlplane.eu.state.l.=7", null)]
    [InlineData("controlplane.eu.state.l.=zz", null)]
    [InlineData("controlplane.eu.state.l.web_1", null)]
    [InlineData("controlplane.eu.state.l.", null)]
    [InlineData("", null)]
    public void NameOrNull_ReadsOurOwn_AndLeavesOutTheOthers(string subject, string? name) =>
        Assert.Equal(name, OverlayStreams.NameOrNull(subject));

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
